// Owns a small SFTP server and client of Go's pkg/sftp, over the disk of this machine. Takes "serve" or "client" and one JSON
// argument; the server prints "ready PORT", the client what it found as JSON. Knows nothing of who is at the other end.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

type options struct {
	Host           string   `json:"host"`
	Port           int      `json:"port"`
	User           string   `json:"user"`
	Key            string   `json:"key"`
	Base           string   `json:"base"`
	HostKeys       []string `json:"hostKeys"`
	AuthorizedKeys string   `json:"authorizedKeys"`
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func signerOf(path string) ssh.Signer {
	text, err := os.ReadFile(path)
	must(err)
	signer, err := ssh.ParsePrivateKey(text)
	must(err)
	return signer
}

func serve(given options) {
	text, err := os.ReadFile(given.AuthorizedKeys)
	must(err)
	authorized, _, _, _, err := ssh.ParseAuthorizedKey(text)
	must(err)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if bytes.Equal(authorized.Marshal(), key.Marshal()) {
				return nil, nil
			}
			return nil, errors.New("not this key")
		},
	}
	for _, each := range given.HostKeys {
		config.AddHostKey(signerOf(each))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("ready %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		socket, err := listener.Accept()
		must(err)
		go func() {
			_, channels, requests, err := ssh.NewServerConn(socket, config)
			if err != nil {
				return
			}
			go ssh.DiscardRequests(requests)
			for offered := range channels {
				channel, asked, err := offered.Accept()
				if err != nil {
					return
				}
				go session(channel, asked)
			}
		}()
	}
}

func session(channel ssh.Channel, asked <-chan *ssh.Request) {
	for request := range asked {
		good := request.Type == "subsystem" && string(request.Payload[4:]) == "sftp"
		request.Reply(good, nil)
		if !good {
			continue
		}
		server, err := sftp.NewServer(channel)
		if err == nil {
			server.Serve()
			server.Close()
		}
		channel.Close()
	}
}

func login(given options) *ssh.Client {
	config := &ssh.ClientConfig{
		User: given.User,
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signerOf(given.Key))},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			for _, each := range given.HostKeys {
				blob, err := base64.StdEncoding.DecodeString(strings.Split(each, " ")[1])
				if err == nil && bytes.Equal(blob, key.Marshal()) {
					return nil
				}
			}
			return errors.New("another host")
		},
		Timeout: 20 * time.Second,
	}
	connection, err := ssh.Dial("tcp", fmt.Sprintf("%s:%d", given.Host, given.Port), config)
	must(err)
	return connection
}

func client(given options) {
	connection := login(given)
	files, err := sftp.NewClient(connection, sftp.UseConcurrentReads(true), sftp.UseConcurrentWrites(true))
	must(err)
	found := map[string]interface{}{}
	base := path.Join(given.Base, "go")
	must(files.MkdirAll(path.Join(base, "a/b/c")))

	// Many writes under way at once, and as many reads; the last piece of each is short.
	data := make([]byte, 5_000_003)
	for i := range data {
		data[i] = byte(i*7 + i>>11)
	}
	whole := path.Join(base, "whole")
	file, err := files.Create(whole)
	must(err)
	_, err = file.ReadFrom(bytes.NewReader(data))
	must(err)
	must(file.Close())
	file, err = files.Open(whole)
	must(err)
	var back bytes.Buffer
	_, err = file.WriteTo(&back)
	must(err)
	found["whole"] = bytes.Equal(back.Bytes(), data)
	piece := make([]byte, 300_000)
	_, err = file.ReadAt(piece, 123_456)
	must(err)
	found["piece"] = bytes.Equal(piece, data[123_456:423_456])
	count, err := file.ReadAt(piece, int64(len(data)-10))
	found["tail"] = []interface{}{count, err == io.EOF}
	must(file.Close())

	// Sixteen at once on one session.
	var all sync.WaitGroup
	for lane := 0; lane < 16; lane++ {
		all.Add(1)
		go func(lane int) {
			defer all.Done()
			for i := 0; i < 10; i++ {
				file, err := files.Create(path.Join(base, "a", fmt.Sprintf("%d-%d", lane, i)))
				must(err)
				_, err = file.Write(data[lane*1000 : lane*1000+40_000])
				must(err)
				must(file.Close())
			}
		}(lane)
	}
	all.Wait()
	entries, err := files.ReadDir(path.Join(base, "a"))
	must(err)
	found["entries"] = len(entries)

	file, err = files.OpenFile(whole, os.O_RDWR)
	must(err)
	_, err = file.WriteAt([]byte("far"), 5<<30)
	must(err)
	facts, err := file.Stat()
	must(err)
	found["far"] = facts.Size()
	must(file.Truncate(100))
	must(file.Sync())
	must(file.Chmod(0o640))
	must(file.Close())
	must(files.Chtimes(whole, time.Unix(1_000_000_000, 0), time.Unix(1_100_000_000, 0)))
	facts, err = files.Stat(whole)
	must(err)
	found["stat"] = []interface{}{facts.Size(), facts.Mode().String(), facts.ModTime().Unix()}
	file, err = files.OpenFile(whole, os.O_WRONLY|os.O_APPEND)
	must(err)
	_, err = file.Write([]byte("more"))
	must(err)
	must(file.Close())

	must(files.Symlink("whole", path.Join(base, "soft")))
	target, err := files.ReadLink(path.Join(base, "soft"))
	must(err)
	found["soft"] = target
	must(files.Link(whole, path.Join(base, "hard")))
	found["refused"] = files.Rename(path.Join(base, "hard"), path.Join(base, "soft")) != nil
	must(files.PosixRename(path.Join(base, "hard"), path.Join(base, "soft")))
	space, err := files.StatVFS(base)
	must(err)
	found["space"] = space.TotalSpace() > 0
	_, err = files.Stat(path.Join(base, "missing"))
	found["missing"] = errors.Is(err, os.ErrNotExist)
	names, err := files.Glob(path.Join(base, "a", "3-*"))
	must(err)
	found["glob"] = len(names)
	walked := []string{}
	for walker := files.Walk(base); walker.Step(); {
		must(walker.Err())
		if !strings.HasPrefix(walker.Path(), path.Join(base, "a")+"/") {
			walked = append(walked, strings.TrimPrefix(walker.Path(), base))
		}
	}
	sort.Strings(walked)
	found["walked"] = walked
	sum := sha256.Sum256(data)
	found["sum"] = hex.EncodeToString(sum[:4])
	remove(files, base)
	_, err = files.Stat(base)
	found["removed"] = errors.Is(err, os.ErrNotExist)
	must(files.Close())
	connection.Close()
	must(json.NewEncoder(os.Stdout).Encode(found))
}

func remove(files *sftp.Client, place string) {
	entries, err := files.ReadDir(place)
	must(err)
	for _, each := range entries {
		if each.IsDir() {
			remove(files, path.Join(place, each.Name()))
		} else {
			must(files.Remove(path.Join(place, each.Name())))
		}
	}
	must(files.RemoveDirectory(place))
}

func main() {
	var given options
	must(json.Unmarshal([]byte(os.Args[2]), &given))
	if os.Args[1] == "serve" {
		serve(given)
	} else {
		client(given)
	}
}
