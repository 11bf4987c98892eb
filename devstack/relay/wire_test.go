package relay

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// document is a BSON document {name: 1}.
func document(name string) []byte {
	elements := append([]byte{0x10}, name...)
	elements = append(elements, 0, 1, 0, 0, 0, 0)
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(elements)+4)), elements...)
}

// body is the section of an OP_MSG that holds its command.
func body(name string) []byte { return append([]byte{0}, document(name)...) }

// sequence is a section of an OP_MSG that holds documents of the command's.
func sequence(name string) []byte {
	content := append(append([]byte(name), 0), document("_id")...)
	section := binary.LittleEndian.AppendUint32([]byte{1}, uint32(len(content)+4))
	return append(section, content...)
}

func opMessage(flags uint32, sections ...[]byte) message {
	content := binary.LittleEndian.AppendUint32(nil, flags)
	content = append(content, bytes.Join(sections, nil)...)
	return rawMessage(opMsg, content)
}

func rawMessage(opcode uint32, content []byte) message {
	m := binary.LittleEndian.AppendUint32(nil, uint32(headerSize+len(content)))
	m = append(m, 7, 0, 0, 0, 0, 0, 0, 0) // request 7, in answer to none
	m = binary.LittleEndian.AppendUint32(m, opcode)
	return append(m, content...)
}

func TestWritingCommandsAreDistinguishedFromReadingOnes(t *testing.T) {
	t.Parallel()
	checksum := []byte{1, 2, 3, 4}
	for name, test := range map[string]struct {
		message message
		writes  bool
	}{
		"insert":                     {opMessage(0, body("insert")), true},
		"update":                     {opMessage(0, body("update")), true},
		"delete":                     {opMessage(0, body("delete")), true},
		"findAndModify":              {opMessage(0, body("findAndModify")), true},
		"createIndexes":              {opMessage(0, body("createIndexes")), true},
		"drop":                       {opMessage(0, body("drop")), true},
		"find":                       {opMessage(0, body("find")), false},
		"aggregate":                  {opMessage(0, body("aggregate")), false},
		"hello":                      {opMessage(0, body("hello")), false},
		"documents before the body":  {opMessage(0, sequence("documents"), body("insert")), true},
		"documents after the body":   {opMessage(0, body("insert"), sequence("documents")), true},
		"an unanswered insert":       {opMessage(flagMoreToCome, body("insert")), true},
		"an update with a checksum":  {opMessage(flagChecksumPresent, body("update"), checksum), true},
		"a find with a checksum":     {opMessage(flagChecksumPresent, body("find"), checksum), false},
		"hello in the old way":       {rawMessage(opQuery, make([]byte, 30)), false},
		"a compressed message":       {rawMessage(opCompressed, make([]byte, 30)), true},
		"a command that is a prefix": {opMessage(0, body("inserted")), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writes, err := test.message.writes()
			require.NoError(t, err)
			require.Equal(t, test.writes, writes)
		})
	}
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	t.Parallel()
	long := body("insert")
	binary.LittleEndian.PutUint32(long[1:], 1000)
	endless := []byte{0, 10, 0, 0, 0, 0x10, 'i', 'n', 's', 'e'}
	for name, m := range map[string]message{
		"no flags":                    rawMessage(opMsg, nil),
		"no section":                  opMessage(0),
		"only documents":              opMessage(0, sequence("documents")),
		"a section that is cut short": opMessage(0, []byte{0, 1}),
		"a section that is too long":  opMessage(0, long),
		"a section of no size":        opMessage(0, []byte{1, 0, 0, 0, 0}),
		"an unknown section":          opMessage(0, []byte{9, 8, 0, 0, 0, 1, 1, 1, 1}),
		"an empty command":            opMessage(0, []byte{0, 5, 0, 0, 0, 0}),
		"a name without an end":       opMessage(0, endless),
		"nothing beside the checksum": opMessage(flagChecksumPresent),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := m.writes()
			require.ErrorIs(t, err, errMalformed)
		})
	}
}

func TestAnUnansweredMessageIsChangedIntoAnAnsweredOne(t *testing.T) {
	t.Parallel()
	m := opMessage(flagMoreToCome|flagChecksumPresent, body("insert"), []byte{1, 2, 3, 4}).answered()
	require.Equal(t, opMessage(0, body("insert")), m)
}

func TestReadMessage(t *testing.T) {
	t.Parallel()
	large := opMessage(0, body("insert"), bytes.Repeat(sequence("documents"), 1000))
	small := opMessage(0, body("find"))
	stream := bytes.NewReader(append(append([]byte{}, large...), small...))

	m, err := readMessage(stream, nil)
	require.NoError(t, err)
	require.Equal(t, large, m)
	m, err = readMessage(stream, m)
	require.NoError(t, err)
	require.Equal(t, small, m)
	_, err = readMessage(stream, m)
	require.ErrorIs(t, err, io.EOF)

	_, err = readMessage(bytes.NewReader(small[:len(small)-1]), nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	for _, size := range []uint32{0, headerSize - 1, maxMessageSize + 1, 1 << 31} {
		wrong := append([]byte{}, small...)
		binary.LittleEndian.PutUint32(wrong, size)
		_, err = readMessage(bytes.NewReader(wrong), nil)
		require.ErrorIs(t, err, errMalformed, "a size of %d", size)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(opMessage(0, sequence("documents"), body("insert")))[headerSize:])
	f.Add([]byte(opMessage(flagChecksumPresent, body("find")))[headerSize:])
	f.Fuzz(func(t *testing.T, content []byte) {
		m := rawMessage(opMsg, content)
		command, err := m.command()
		if err != nil {
			require.ErrorIs(t, err, errMalformed)
			return
		}
		require.True(t, bytes.Contains(content, append([]byte(command), 0)))
	})
}
