// Owns the client made of Go's x/crypto, with the same work as ours; it is also the fast client that all servers are
// measured with. Knows nothing of which server it talks to.
package main

import (
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

type clientArgs struct {
	Port    int     `json:"port"`
	User    string  `json:"user"`
	Key     string  `json:"key"`
	Cipher  string  `json:"cipher"`
	Command string  `json:"command"`
	Count   int     `json:"count"`
	Lanes   int     `json:"lanes"`
	Seconds float64 `json:"seconds"`
}

type spent struct {
	CPU  float64 `json:"cpu"`
	Wall float64 `json:"wall"`
}

type repeated struct {
	CPU   float64   `json:"cpu"`
	Walls []float64 `json:"walls"`
}

type visitor struct {
	address string
	command string
	config  *ssh.ClientConfig
}

func arguments(raw json.RawMessage) (clientArgs, visitor, error) {
	var args clientArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return args, visitor{}, err
	}
	signer, err := signerOf(args.Key)
	if err != nil {
		return args, visitor{}, err
	}
	return args, visitor{
		address: fmt.Sprintf("127.0.0.1:%d", args.Port),
		command: args.Command,
		config: &ssh.ClientConfig{
			Config:            ssh.Config{KeyExchanges: []string{keyExchange}, Ciphers: []string{args.Cipher}},
			User:              args.User,
			Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
			HostKeyCallback:   ssh.InsecureIgnoreHostKey(),
			HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
		},
	}, nil
}

func (who visitor) login() (*ssh.Client, error) { return ssh.Dial("tcp", who.address, who.config) }

// Runs the command once on an open connection.
func (who visitor) runOn(client *ssh.Client) error {
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	return session.Run(who.command)
}

func (who visitor) visit() error {
	client, err := who.login()
	if err != nil {
		return err
	}
	defer client.Close()
	return who.runOn(client)
}

// Does `one` `count` times, `lanes` at a time; the first error ends it.
func inLanes(count int, lanes int, one func() error) error {
	var started int64
	var first atomic.Value
	var all sync.WaitGroup
	for lane := 0; lane < lanes; lane++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for atomic.AddInt64(&started, 1) <= int64(count) && first.Load() == nil {
				if err := one(); err != nil {
					first.CompareAndSwap(nil, err)
				}
			}
		}()
	}
	all.Wait()
	if err, failed := first.Load().(error); failed {
		return err
	}
	return nil
}

func metered(work func() error) (interface{}, error) {
	cpuBefore, started := cpuSeconds(), time.Now()
	err := work()
	return spent{CPU: cpuSeconds() - cpuBefore, Wall: time.Since(started).Seconds()}, err
}

// Opens sessions one after the other, each on a connection of its own.
func sessions(raw json.RawMessage) (interface{}, error) {
	args, who, err := arguments(raw)
	if err != nil {
		return nil, err
	}
	result := repeated{Walls: make([]float64, 0, args.Count)}
	cpuBefore := cpuSeconds()
	for i := 0; i < args.Count; i++ {
		started := time.Now()
		if err := who.visit(); err != nil {
			return nil, err
		}
		result.Walls = append(result.Walls, time.Since(started).Seconds())
	}
	result.CPU = cpuSeconds() - cpuBefore
	return result, nil
}

type holding struct {
	client  *ssh.Client
	session *ssh.Session
}

var held struct {
	sync.Mutex
	all []holding
}

// Opens connections with one running session each and keeps them.
func hold(raw json.RawMessage) (interface{}, error) {
	args, who, err := arguments(raw)
	if err != nil {
		return nil, err
	}
	return nil, inLanes(args.Count, 8, func() error {
		client, err := who.login()
		if err != nil {
			return err
		}
		session, err := client.NewSession()
		if err != nil {
			return err
		}
		// Without this the session would read an empty input to its end, and the far command would end with it.
		if _, err := session.StdinPipe(); err != nil {
			return err
		}
		if err := session.Start(who.command); err != nil {
			return err
		}
		held.Lock()
		held.all = append(held.all, holding{client, session})
		held.Unlock()
		return nil
	})
}

func release(json.RawMessage) (interface{}, error) {
	held.Lock()
	defer held.Unlock()
	for _, each := range held.all {
		each.client.Close()
	}
	held.all = nil
	return nil, nil
}

// Opens all connections at once, runs a command on each, and closes them when all have run theirs.
func crowd(raw json.RawMessage) (interface{}, error) {
	args, who, err := arguments(raw)
	if err != nil {
		return nil, err
	}
	return metered(func() error {
		var ran, closed sync.WaitGroup
		ran.Add(args.Count)
		errs := make(chan error, args.Count)
		for i := 0; i < args.Count; i++ {
			closed.Add(1)
			go func() {
				defer closed.Done()
				client, err := who.login()
				if err == nil {
					defer client.Close()
					err = who.runOn(client)
				}
				if err != nil {
					errs <- err
				}
				ran.Done()
				ran.Wait()
			}()
		}
		closed.Wait()
		select {
		case err := <-errs:
			return err
		default:
			return nil
		}
	})
}

// Opens and closes channels on one connection, `lanes` at a time, and runs a command on each.
func channels(raw json.RawMessage) (interface{}, error) {
	args, who, err := arguments(raw)
	if err != nil {
		return nil, err
	}
	client, err := who.login()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return metered(func() error {
		return inLanes(args.Count, args.Lanes, func() error { return who.runOn(client) })
	})
}

// Opens sessions in `lanes`, each on a connection of its own, for so many seconds, and says how many there were.
func rate(raw json.RawMessage) (interface{}, error) {
	args, who, err := arguments(raw)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(time.Duration(args.Seconds * float64(time.Second)))
	var count int64
	var all sync.WaitGroup
	errs := make(chan error, args.Lanes)
	cpuBefore, started := cpuSeconds(), time.Now()
	for lane := 0; lane < args.Lanes; lane++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for time.Now().Before(until) {
				if err := who.visit(); err != nil {
					errs <- err
					return
				}
				atomic.AddInt64(&count, 1)
			}
		}()
	}
	all.Wait()
	select {
	case err := <-errs:
		return nil, err
	default:
	}
	return map[string]float64{
		"count": float64(count),
		"cpu":   cpuSeconds() - cpuBefore,
		"wall":  time.Since(started).Seconds(),
	}, nil
}
