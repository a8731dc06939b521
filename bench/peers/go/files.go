//go:build sftp

// Owns the work of a file client made of Go's pkg/sftp: whole files, trees with several files at once, listings, attributes.
// Knows nothing of which server it talks to.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

type fileArgs struct {
	Remote string `json:"remote"`
	Local  string `json:"local"`
	Count  int    `json:"count"`
	Lanes  int    `json:"lanes"`
}

type fileWork func(client *sftp.Client, args fileArgs) error

func init() {
	for name, work := range map[string]fileWork{
		"get": get, "put": put, "getTree": getTree, "putTree": putTree, "list": list, "stats": stats,
		"visit": func(*sftp.Client, fileArgs) error { return nil },
	} {
		more[name] = filesHandler(work)
	}
}

// A handler that logs in, does the work, leaves, and says what it took: in all, and for the work alone.
func filesHandler(work fileWork) handler {
	return func(raw json.RawMessage) (interface{}, error) {
		var args fileArgs
		if err := json.Unmarshal(raw, &args); err != nil {
			return nil, err
		}
		_, who, err := arguments(raw)
		if err != nil {
			return nil, err
		}
		cpu, start := cpuSeconds(), time.Now()
		connection, err := who.login()
		if err != nil {
			return nil, err
		}
		client, err := openFiles(connection)
		if err != nil {
			return nil, err
		}
		working := time.Now()
		if err := work(client, args); err != nil {
			return nil, err
		}
		worked := time.Since(working).Seconds()
		client.Close()
		connection.Close()
		return map[string]float64{"cpu": cpuSeconds() - cpu, "wall": time.Since(start).Seconds(), "work": worked}, nil
	}
}

func openFiles(connection *ssh.Client) (*sftp.Client, error) {
	return sftp.NewClient(connection, sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(true))
}

func copyDown(client *sftp.Client, remote, local string) error {
	from, err := client.Open(remote)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(local)
	if err != nil {
		return err
	}
	if _, err := from.WriteTo(to); err != nil {
		return err
	}
	return to.Close()
}

func copyUp(client *sftp.Client, local, remote string) error {
	from, err := os.Open(local)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := client.Create(remote)
	if err != nil {
		return err
	}
	if _, err := to.ReadFrom(from); err != nil && err != io.EOF {
		return err
	}
	return to.Close()
}

func get(client *sftp.Client, args fileArgs) error { return copyDown(client, args.Remote, args.Local) }
func put(client *sftp.Client, args fileArgs) error { return copyUp(client, args.Local, args.Remote) }

// Does work for every name, lanes at a time, and gives the first error.
func each(names []string, lanes int, work func(name string) error) error {
	queue := make(chan string)
	failed := make(chan error, lanes)
	var group sync.WaitGroup
	for lane := 0; lane < lanes; lane++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for name := range queue {
				if err := work(name); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		}()
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	group.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func getTree(client *sftp.Client, args fileArgs) error {
	entries, err := client.ReadDir(args.Remote)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(args.Local, 0o755); err != nil {
		return err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return each(names, args.Lanes, func(name string) error {
		return copyDown(client, path.Join(args.Remote, name), filepath.Join(args.Local, name))
	})
}

func putTree(client *sftp.Client, args fileArgs) error {
	entries, err := os.ReadDir(args.Local)
	if err != nil {
		return err
	}
	if err := client.MkdirAll(args.Remote); err != nil {
		return err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return each(names, args.Lanes, func(name string) error {
		return copyUp(client, filepath.Join(args.Local, name), path.Join(args.Remote, name))
	})
}

func list(client *sftp.Client, args fileArgs) error {
	entries, err := client.ReadDir(args.Remote)
	if err != nil {
		return err
	}
	if len(entries) != args.Count {
		return fmt.Errorf("%d entries of %d", len(entries), args.Count)
	}
	return nil
}

func stats(client *sftp.Client, args fileArgs) error {
	var left = int64(args.Count)
	names := make([]string, args.Lanes)
	return each(names, args.Lanes, func(string) error {
		for atomic.AddInt64(&left, -1) >= 0 {
			if _, err := client.Stat(args.Remote); err != nil {
				return err
			}
		}
		return nil
	})
}
