package cost

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Usage is what went between the API and the database.
type Usage struct {
	Commands int
	// Bytes are those of the commands and of their answers, as they go over the wire.
	Bytes int
	// Queries are the commands that look for documents, in their order.
	Queries []bson.Raw
}

// Meter stands between the API and the database, and counts what it asks. What a process notes of itself in the background, and what
// the driver does to know its server, is left out.
type Meter struct {
	// URI is the connection string for the API.
	URI string

	target   string
	listener net.Listener

	mu    sync.Mutex
	usage Usage
}

// NewMeter makes one before the database of a connection string, until the context ends.
func NewMeter(ctx context.Context, uri string) (*Meter, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return nil, errors.New("reading the database's address")
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the API: %w", err)
	}
	m := &Meter{target: u.Host, listener: l}
	u.Host = l.Addr().String()
	m.URI = u.String()
	context.AfterFunc(ctx, func() { _ = l.Close() })
	go m.accept()
	return m, nil
}

// Drain returns what was counted since the last time.
func (m *Meter) Drain() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	counted := m.usage
	m.usage = Usage{}
	return counted
}

func (m *Meter) accept() {
	for {
		client, err := m.listener.Accept()
		if err != nil {
			return // it was closed
		}
		server, err := net.Dial("tcp", m.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &counted{meter: m, asked: map[uint32]bool{}}
		go c.carry(server, client, c.question)
		go c.carry(client, server, c.answer)
	}
}

// counted is one connection.
type counted struct {
	meter *Meter
	mu    sync.Mutex
	// asked are the requests whose answers count.
	asked map[uint32]bool
}

// The head of a message of MongoDB's wire protocol: its length, its id, and that of the message which it answers.
const (
	headLength = 16
	flagLength = 4
	opMessage  = 2013
)

// carry takes messages from one side to the other, and counts each before it goes on: so all is counted by when the API answers.
func (c *counted) carry(to, from net.Conn, count func(message []byte)) {
	defer to.Close()
	defer from.Close()
	for {
		head := make([]byte, headLength)
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		length := binary.LittleEndian.Uint32(head)
		if length < headLength {
			return
		}
		message := make([]byte, length)
		copy(message, head)
		if _, err := io.ReadFull(from, message[headLength:]); err != nil {
			return
		}
		count(message)
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}

func (c *counted) question(message []byte) {
	if binary.LittleEndian.Uint32(message[12:]) != opMessage || len(message) < headLength+flagLength+1 || message[headLength+flagLength] != 0 {
		return
	}
	command := bson.Raw(message[headLength+flagLength+1:])
	first, err := command.IndexErr(0)
	if err != nil || background(first.Key(), command) {
		return
	}
	c.mu.Lock()
	c.asked[binary.LittleEndian.Uint32(message[4:])] = true
	c.mu.Unlock()
	c.meter.add(1, len(message), first.Key(), command)
}

func (c *counted) answer(message []byte) {
	to := binary.LittleEndian.Uint32(message[8:])
	c.mu.Lock()
	mine := c.asked[to]
	delete(c.asked, to)
	c.mu.Unlock()
	if mine {
		c.meter.add(0, len(message), "", nil)
	}
}

func (m *Meter) add(commands, length int, name string, command bson.Raw) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.usage.Commands += commands
	m.usage.Bytes += length
	if name == "find" || name == "aggregate" || name == "count" {
		m.usage.Queries = append(m.usage.Queries, command)
	}
}

// background tells whether a command is no page's: the driver's own, or a process's note of itself.
func background(name string, command bson.Raw) bool {
	switch name {
	case "hello", "isMaster", "ismaster", "ping", "endSessions", "killCursors":
		return true
	case "findAndModify":
		of, _ := command.Lookup(name).StringValueOK()
		return of == "observations" || of == "processes" || of == "counters"
	}
	return false
}
