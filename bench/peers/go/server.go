// Owns the server made of Go's x/crypto, with the same sessions as ours: they end at once, wait, or echo. Knows nothing of
// who measures.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

type listenArgs struct {
	HostKey    string `json:"hostKey"`
	Authorized string `json:"authorized"`
	Cipher     string `json:"cipher"`
}

const keyExchange = "curve25519-sha256"

func signerOf(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return ssh.ParsePrivateKey(text)
}

func listen(raw json.RawMessage) (interface{}, error) {
	var args listenArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return nil, err
	}
	signer, err := signerOf(args.HostKey)
	if err != nil {
		return nil, err
	}
	authorized, err := base64.StdEncoding.DecodeString(strings.Split(args.Authorized, " ")[1])
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		Config: ssh.Config{KeyExchanges: []string{keyExchange}, Ciphers: []string{args.Cipher}},
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if bytes.Equal(authorized, key.Marshal()) {
				return nil, nil
			}
			return nil, errors.New("not this key")
		},
	}
	config.AddHostKey(signer)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go accept(listener, config)
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func accept(listener net.Listener, config *ssh.ServerConfig) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go serve(conn, config)
	}
}

func serve(conn net.Conn, config *ssh.ServerConfig) {
	_, opened, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	for open := range opened {
		if open.ChannelType() != "session" {
			open.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		channel, requests, err := open.Accept()
		if err != nil {
			return
		}
		go session(channel, requests)
	}
}

func session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		if request.Type != "exec" {
			request.Reply(false, nil)
			continue
		}
		var wanted struct{ Command string }
		err := ssh.Unmarshal(request.Payload, &wanted)
		request.Reply(err == nil, nil)
		if wanted.Command == "nothing" {
			finish(channel, 0)
		} else {
			go run(channel, wanted.Command)
		}
	}
}

func run(channel ssh.Channel, command string) {
	status := uint32(0)
	switch command {
	case "hold":
		io.Copy(io.Discard, channel)
	case "echo":
		io.Copy(channel, channel)
	default:
		status = 127
	}
	finish(channel, status)
}

func finish(channel ssh.Channel, status uint32) {
	channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	channel.Close()
}
