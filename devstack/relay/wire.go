package relay

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The opcodes of MongoDB's wire protocol that the relay distinguishes.
const (
	opQuery      = 2004
	opCompressed = 2012
	opMsg        = 2013
)

// The flag bits of an OP_MSG.
const (
	flagChecksumPresent = 1 << 0
	flagMoreToCome      = 1 << 1
)

const (
	headerSize   = 16
	flagsSize    = 4
	checksumSize = 4

	// maxMessageSize is what MongoDB itself accepts: 48,000,000 bytes.
	maxMessageSize = 48_000_000
)

var errMalformed = errors.New("malformed message")

// writing names the commands that change data or collections.
var writing = map[string]bool{
	"insert":           true,
	"update":           true,
	"delete":           true,
	"findAndModify":    true,
	"findandmodify":    true,
	"bulkWrite":        true,
	"create":           true,
	"createIndexes":    true,
	"drop":             true,
	"dropDatabase":     true,
	"dropIndexes":      true,
	"deleteIndexes":    true,
	"renameCollection": true,
	"collMod":          true,
	"compact":          true,
}

// message is one whole message of the wire protocol, header included.
type message []byte

func (m message) opcode() int32 { return int32(binary.LittleEndian.Uint32(m[12:])) }

// flags returns an OP_MSG's flag bits, and 0 for every other message.
func (m message) flags() uint32 {
	if m.opcode() != opMsg || len(m) < headerSize+flagsSize {
		return 0
	}
	return binary.LittleEndian.Uint32(m[headerSize:])
}

// unanswered reports whether the sender expects no reply to m.
func (m message) unanswered() bool { return m.flags()&flagMoreToCome != 0 }

// writes reports whether m may change data. A message whose command is
// invisible (a compressed one) counts as writing.
func (m message) writes() (bool, error) {
	switch m.opcode() {
	case opMsg:
		command, err := m.command()
		return writing[command], err
	case opQuery: // drivers send only hello with it
		return false, nil
	default:
		return true, nil
	}
}

// command returns the name of the command in an OP_MSG: the key of the first
// element of its body section.
func (m message) command() (string, error) {
	body, err := m.body()
	if err != nil {
		return "", err
	}
	first, err := body.IndexErr(0)
	if err != nil {
		return "", fmt.Errorf("%w: read the command: %w", errMalformed, err)
	}
	return first.Key(), nil
}

// body returns the body section of an OP_MSG: the document of its command.
func (m message) body() (bson.Raw, error) {
	end := len(m)
	if m.flags()&flagChecksumPresent != 0 {
		end -= checksumSize
	}
	if end < headerSize+flagsSize {
		return nil, fmt.Errorf("%w: %d bytes are too few for a command", errMalformed, len(m))
	}
	for rest := m[headerSize+flagsSize : end]; len(rest) > 0; {
		kind, section := rest[0], rest[1:]
		if len(section) < 4 {
			return nil, fmt.Errorf("%w: a section is cut short", errMalformed)
		}
		size := int(binary.LittleEndian.Uint32(section))
		if size < 4 || size > len(section) {
			return nil, fmt.Errorf("%w: a section claims %d bytes of %d", errMalformed, size, len(section))
		}
		switch kind {
		case 0:
			return bson.Raw(section[:size]), nil
		case 1: // a sequence of documents belonging to the command
			rest = section[size:]
		default:
			return nil, fmt.Errorf("%w: unknown section kind %d", errMalformed, kind)
		}
	}
	return nil, fmt.Errorf("%w: no body section", errMalformed)
}

// namespace names a collection.
type namespace struct{ database, collection string }

// writeTarget is the target of a writing command.
type writeTarget struct {
	namespace

	// drops says that the command removes or renames collections.
	drops bool
}

// target returns the target of a writing command; false if it has none, or m
// hides it.
func (m message) target() (t writeTarget, ok bool) {
	if m.opcode() != opMsg {
		return t, false
	}
	body, err := m.body()
	if err != nil {
		return t, false
	}
	first, err := body.IndexErr(0)
	if err != nil {
		return t, false
	}
	t.database, ok = body.Lookup("$db").StringValueOK()
	t.collection, _ = first.Value().StringValueOK() // dropDatabase has none
	switch first.Key() {
	case "drop", "dropDatabase", "renameCollection":
		t.drops = true
	}
	return t, ok
}

// answered returns m changed so that the server replies to it. It drops a checksum,
// which would be wrong.
func (m message) answered() message {
	flags := m.flags()
	if flags&flagChecksumPresent != 0 {
		m = m[:len(m)-checksumSize]
		binary.LittleEndian.PutUint32(m, uint32(len(m)))
	}
	binary.LittleEndian.PutUint32(m[headerSize:], flags&^(flagChecksumPresent|flagMoreToCome))
	return m
}

// readMessage reads one message into buf, which grows as needed. At the
// regular end of the stream it returns io.EOF.
func readMessage(r io.Reader, buf []byte) (message, error) {
	if cap(buf) < headerSize {
		buf = make([]byte, 4096)
	}
	buf = buf[:headerSize]
	if _, err := io.ReadFull(r, buf); err != nil {
		return nil, err
	}
	size := int(int32(binary.LittleEndian.Uint32(buf)))
	if size < headerSize || size > maxMessageSize {
		return nil, fmt.Errorf("%w: it claims %d bytes", errMalformed, size)
	}
	if cap(buf) < size {
		buf = append(make([]byte, 0, size), buf...)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf[headerSize:]); err != nil {
		return nil, fmt.Errorf("a message is cut short: %w", err)
	}
	return buf, nil
}
