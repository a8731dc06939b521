// Owns the client of the floor: it takes the turns of a session with as many bytes, and makes the cryptographic calls that a
// client makes at each, but no SSH. What comes is counted, not read. Knows nothing of who measures.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/curve25519"
)

type turnsArgs struct {
	Port       int   `json:"port"`
	Count      int   `json:"count"`
	FromServer []int `json:"fromServer"`
	FromClient []int `json:"fromClient"`
}

// Which turn of the client carries its signature.
const userSigns = 4

type turning struct {
	turnsArgs
	own        ed25519.PrivateKey
	signed     []byte
	signature  []byte
	peersShare []byte
}

// Agreement, H and the keys, the host's signature.
func (end turning) exchangeKeys(scalar []byte) (cipher.AEAD, error) {
	if _, err := curve25519.X25519(scalar, end.peersShare); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(make([]byte, 1150))
	for derived := 0; derived < 4; derived++ {
		digest = sha256.Sum256(make([]byte, 101))
	}
	if !ed25519.Verify(end.own.Public().(ed25519.PublicKey), end.signed, end.signature) {
		return nil, errors.New("the signature is wrong")
	}
	block, err := aes.NewCipher(digest[:16])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (end turning) visit() error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", end.Port))
	if err != nil {
		return err
	}
	defer conn.Close()
	scalar := make([]byte, curve25519.ScalarSize)
	if _, err := rand.Read(scalar); err != nil {
		return err
	}
	if _, err := curve25519.X25519(scalar, curve25519.Basepoint); err != nil {
		return err
	}
	read := make([]byte, 4096)
	nonce := make([]byte, 12)
	var aead cipher.AEAD
	for turn, bytes := range end.FromClient {
		if turn == userSigns {
			ed25519.Sign(end.own, end.signed)
		}
		out := make([]byte, bytes)
		if aead != nil {
			aead.Seal(out[:0], nonce, out[:bytes-aead.Overhead()], nil)
		}
		if _, err := conn.Write(out); err != nil {
			return err
		}
		if turn == len(end.FromClient)-1 {
			break
		}
		// The server has begun with a turn that nobody waits for.
		expected := end.FromServer[turn+1]
		if turn == 0 {
			expected += end.FromServer[0]
		}
		if _, err := io.ReadFull(conn, read[:expected]); err != nil {
			return err
		}
		if turn == 0 {
			if aead, err = end.exchangeKeys(scalar); err != nil {
				return err
			}
		}
	}
	return nil
}

// Takes the turns of sessions one after the other, each on a connection of its own.
func turns(raw json.RawMessage) (interface{}, error) {
	end := turning{signed: make([]byte, 150)}
	if err := json.Unmarshal(raw, &end.turnsArgs); err != nil {
		return nil, err
	}
	var err error
	if _, end.own, err = ed25519.GenerateKey(nil); err != nil {
		return nil, err
	}
	end.signature = ed25519.Sign(end.own, end.signed)
	scalar := make([]byte, curve25519.ScalarSize)
	scalar[0] = 8
	if end.peersShare, err = curve25519.X25519(scalar, curve25519.Basepoint); err != nil {
		return nil, err
	}
	result := repeated{Walls: make([]float64, 0, end.Count)}
	cpuBefore := cpuSeconds()
	for i := 0; i < end.Count; i++ {
		started := time.Now()
		if err := end.visit(); err != nil {
			return nil, err
		}
		result.Walls = append(result.Walls, time.Since(started).Seconds())
	}
	result.CPU = cpuSeconds() - cpuBefore
	return result, nil
}
