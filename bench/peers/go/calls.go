// Owns the far end of the wire between the bench and this program, which is the same as for sites in JavaScript: calls come
// as lines of JSON on standard input, answers go as lines to standard output. Knows no SSH.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

type call struct {
	ID   int             `json:"id"`
	Call string          `json:"call"`
	Args json.RawMessage `json:"args"`
}

type answer struct {
	ID     int         `json:"id"`
	Result interface{} `json:"result,omitempty"`
	Error  string      `json:"error,omitempty"`
}

type handler func(args json.RawMessage) (interface{}, error)

// Calls of parts that are compiled only where what they need is installed.
var more = map[string]handler{}

// CPU seconds of this process, all its threads included, user and system.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func cpu(json.RawMessage) (interface{}, error) { return cpuSeconds(), nil }

// Collects garbage and gives free pages back, as the runtime does by itself in time.
func settle(json.RawMessage) (interface{}, error) {
	for i := 0; i < 3; i++ {
		debug.FreeOSMemory()
		time.Sleep(200 * time.Millisecond)
	}
	return nil, nil
}

func main() {
	handlers := map[string]handler{
		"cpu":      cpu,
		"settle":   settle,
		"listen":   listen,
		"sessions": sessions,
		"hold":     hold,
		"release":  release,
		"crowd":    crowd,
		"channels": channels,
		"rate":     rate,
		"turns":    turns,
	}
	for name, call := range more {
		handlers[name] = call
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 0, 64*1024), 16*1024*1024)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked call
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		given := answer{ID: asked.ID}
		run, known := handlers[asked.Call]
		if !known {
			given.Error = fmt.Sprintf("there is no call %q", asked.Call)
		} else if result, err := run(asked.Args); err != nil {
			given.Error = err.Error()
		} else {
			given.Result = result
		}
		if err := out.Encode(given); err != nil {
			panic(err)
		}
	}
}
