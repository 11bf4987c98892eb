package relay

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// deadline is how long a test waits for an event.
const deadline = 2 * time.Minute

// server is a stand-in for MongoDB whose answers a test provides.
type server struct {
	listener net.Listener
	requests chan *request
}

// request is one that arrived at the server and waits for its answer.
type request struct {
	t       *testing.T
	conn    net.Conn
	message message
}

func (r *request) command() string {
	command, err := r.message.command()
	require.NoError(r.t, err)
	return command
}

// answer sends a reply that says flags.
func (r *request) answer(flags uint32) {
	_, err := r.conn.Write(opMessage(flags, body("ok")))
	require.NoError(r.t, err)
}

func startServer(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s := &server{listener, make(chan *request, 100)}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				reader := bufio.NewReader(conn)
				for {
					m, err := readMessage(reader, nil)
					if err != nil {
						_ = conn.Close()
						return
					}
					s.requests <- &request{t, conn, m}
				}
			}()
		}
	}()
	return s
}

// next waits for a request.
func (s *server) next(t *testing.T) *request {
	t.Helper()
	select {
	case r := <-s.requests:
		return r
	case <-time.After(deadline):
		require.FailNow(t, "no request arrived")
		return nil
	}
}

// startRelay relays to s until the test ends, or stop is called.
func startRelay(t *testing.T, s *server) (r *Relay, stop func()) {
	t.Helper()
	r, err := Listen(t.Context(), "127.0.0.1:0", s.listener.Addr().String(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-served:
			require.NoError(t, err)
		case <-time.After(deadline):
			require.FailNow(t, "the relay did not stop")
		}
	})
	t.Cleanup(stop)
	return r, stop
}

func dial(t *testing.T, r *Relay) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.Addr())
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(deadline)))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func write(t *testing.T, conn net.Conn, m message) {
	t.Helper()
	_, err := conn.Write(m)
	require.NoError(t, err)
}

func read(t *testing.T, conn net.Conn) message {
	t.Helper()
	m, err := readMessage(conn, nil)
	require.NoError(t, err)
	return m
}

// turnTaken waits until a writer has the turn.
func turnTaken(t *testing.T, r *Relay) {
	t.Helper()
	require.Eventually(t, func() bool { return len(r.turn) == 1 }, deadline, time.Millisecond)
}

func TestWritesGoOneAtATimeWhileReadsPass(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	first, second, reader := dial(t, r), dial(t, r), dial(t, r)
	write(t, first, opMessage(0, body("update")))
	inFlight := s.next(t)
	require.Equal(t, "update", inFlight.command())

	write(t, second, opMessage(0, body("insert")))
	// Reads sent afterwards pass the waiting insert, again and again.
	for range 20 {
		write(t, reader, opMessage(0, body("find")))
		find := s.next(t)
		require.Equal(t, "find", find.command())
		find.answer(0)
		read(t, reader)
	}

	inFlight.answer(0)
	read(t, first)
	insert := s.next(t)
	require.Equal(t, "insert", insert.command())
	insert.answer(0)
	read(t, second)
}

func TestTheTurnIsGivenUpWhenTheServerHangsUp(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	first, second := dial(t, r), dial(t, r)
	write(t, first, opMessage(0, body("update")))
	inFlight := s.next(t)
	write(t, second, opMessage(0, body("insert")))
	require.NoError(t, inFlight.conn.Close())

	_, err := readMessage(first, nil)
	require.ErrorIs(t, err, io.EOF, "the client of a lost server is hung up on")
	insert := s.next(t)
	require.Equal(t, "insert", insert.command())
	insert.answer(0)
	read(t, second)
}

func TestTheTurnIsKeptUntilTheServerAnswersAClientThatIsGone(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	first, second := dial(t, r), dial(t, r)
	write(t, first, opMessage(0, body("update")))
	inFlight := s.next(t)
	require.NoError(t, first.Close())
	turnTaken(t, r)

	write(t, second, opMessage(0, body("insert")))
	inFlight.answer(0)
	insert := s.next(t)
	require.Equal(t, "insert", insert.command())
	insert.answer(0)
	read(t, second)
}

func TestAnUnansweredWriteHoldsTheTurnAndStaysUnanswered(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	client := dial(t, r)
	write(t, client, opMessage(flagMoreToCome, body("insert")))
	write(t, client, opMessage(0, body("find")))
	insert := s.next(t)
	require.Equal(t, "insert", insert.command())
	require.False(t, insert.message.unanswered(), "the server is asked to answer")
	turnTaken(t, r)
	insert.answer(0)

	find := s.next(t)
	require.Equal(t, "find", find.command())
	_, err := find.conn.Write(opMessage(0, body("found")))
	require.NoError(t, err)
	command, err := read(t, client).command()
	require.NoError(t, err)
	require.Equal(t, "found", command, "the insert's answer is not passed back")
}

func TestAllRepliesOfAStreamArePassedBack(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	client := dial(t, r)
	write(t, client, opMessage(0, body("hello")))
	hello := s.next(t)
	hello.answer(flagMoreToCome)
	hello.answer(flagMoreToCome)
	hello.answer(0)
	for _, more := range []bool{true, true, false} {
		require.Equal(t, more, read(t, client).unanswered())
	}
	write(t, client, opMessage(0, body("ping")))
	require.Equal(t, "ping", s.next(t).command())
}

func TestAMalformedMessageEndsOnlyItsConnection(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, _ := startRelay(t, s)

	bad, good := dial(t, r), dial(t, r)
	write(t, bad, opMessage(0))
	_, err := readMessage(bad, nil)
	require.ErrorIs(t, err, io.EOF)
	write(t, good, opMessage(0, body("insert")))
	s.next(t).answer(0)
	read(t, good)
}

func TestServeEndsWithClientsStillConnected(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, stop := startRelay(t, s)

	idle, busy, waiting := dial(t, r), dial(t, r), dial(t, r)
	write(t, idle, opMessage(0, body("find")))
	s.next(t).answer(0)
	read(t, idle)
	write(t, busy, opMessage(0, body("update")))
	s.next(t)
	write(t, waiting, opMessage(0, body("update")))

	stop()
	for _, conn := range []net.Conn{idle, busy, waiting} {
		_, err := readMessage(conn, nil)
		require.Error(t, err)
	}
	_, err := net.Dial("tcp", r.Addr())
	require.Error(t, err)
}

func TestAnUnreachableServerEndsTheConnection(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	require.NoError(t, s.listener.Close())
	r, _ := startRelay(t, s)
	_, err := readMessage(dial(t, r), nil)
	require.ErrorIs(t, err, io.EOF)
}
