package audit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/lanes"
)

// records are entries in memory, as slow as a database and written by several at once.
type records struct {
	mu      sync.Mutex
	entries []audit.Entry
	reads   int
	// refused counts inserts that lost to another one; under way counts the running ones.
	refused, underWay, mostUnderWay int
	fails                           error
	// breaks is after how many entries of a write another process is faster, once; 0: never.
	breaks int
}

// slowly is how long the database takes for one operation.
const slowly = 3 * time.Millisecond

func (r *records) InsertAudit(ctx context.Context, entries []audit.Entry) (int, error) {
	r.mu.Lock()
	r.underWay++
	r.mostUnderWay = max(r.mostUnderWay, r.underWay)
	r.mu.Unlock()
	time.Sleep(slowly) //nolint:forbidigo // in a bubble: as slow as a database
	r.mu.Lock()
	defer r.mu.Unlock()
	r.underWay--
	if r.fails != nil {
		return 0, r.fails
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	for i, e := range entries {
		if e.Seq != len(r.entries)+1 {
			r.refused++
			return i, nil
		}
		if i == r.breaks && i > 0 { // another process is faster in the middle
			r.breaks = 0
			r.entries = append(r.entries, audit.Next(r.entries[len(r.entries)-1], about("others")))
			r.refused++
			return i, nil
		}
		r.entries = append(r.entries, e)
	}
	return len(entries), nil
}

func (r *records) AuditEntry(_ context.Context, seq int) (*audit.Entry, error) {
	time.Sleep(slowly) //nolint:forbidigo // in a bubble: as slow as a database
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	if seq > len(r.entries) {
		return nil, nil //nolint:nilnil // as the database says it
	}
	return &r.entries[seq-1], nil
}

func (r *records) requireChain(t require.TestingT, length int) {
	var v audit.Verifier
	require.Len(t, r.entries, length)
	for i, e := range r.entries {
		require.NoError(t, v.Verify(i+1, e))
	}
}

func about(subject string) audit.Entry { return audit.Entry{At: at, Subject: subject} }

// busy has an appender write, so that who comes now gathers, however the goroutines run.
func busy(t *testing.T, a *audit.Appender, all *sync.WaitGroup) {
	t.Helper()
	all.Go(func() { _, _ = a.Append(t.Context(), about("trials/v-first")) })
	synctest.Wait()
}

// Those who append at once wait for their turn, instead of racing for the next number.
func TestAppendsOfAProcessDoNotRaceEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &records{}
		a := audit.NewAppender(r, func(int) {})
		const many = 200
		began := time.Now()
		var all sync.WaitGroup
		for i := range many {
			all.Go(func() {
				_, err := a.Append(t.Context(), about(fmt.Sprint("trials/v-", i)))
				require.NoError(t, err)
			})
		}
		all.Wait()
		r.requireChain(t, many)
		require.Zero(t, r.refused)
		require.Equal(t, 1, r.mostUnderWay)
		require.LessOrEqual(t, time.Since(began), 10*slowly, "those that wait are written together")
	})
}

// What is urgent is written before all that waits.
func TestAnUrgentEntryWaitsForOneWriteAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &records{}
		a := audit.NewAppender(r, func(int) {})
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() { _, _ = a.Append(t.Context(), about(fmt.Sprint("trials/v-", i))) })
		}
		synctest.Wait()
		began := time.Now()
		_, err := a.Append(lanes.Urgent(t.Context()), about("feature-flags"))
		require.NoError(t, err)
		require.LessOrEqual(t, time.Since(began), 6*slowly)
		all.Wait()
		r.requireChain(t, 201)
	})
}

// Several processes share one record: each number is there once.
func TestAppendsOfSeveralProcessesMakeOneChain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &records{}
		var all sync.WaitGroup
		for p := range 3 {
			a := audit.NewAppender(r, func(int) {})
			for i := range 40 {
				all.Go(func() {
					_, err := a.Append(t.Context(), about(fmt.Sprintf("trials/v-%d-%d", p, i)))
					require.NoError(t, err)
				})
			}
		}
		all.Wait()
		r.requireChain(t, 120)
	})
}

// Who gives up before their turn is not on record; what is being written is waited for.
func TestAnEntryIsOnRecordOrItsCallerGetsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &records{}
		a := audit.NewAppender(r, func(int) {})
		var all sync.WaitGroup
		busy(t, a, &all)
		written := make([]bool, 50)
		for i := range written {
			ctx, giveUp := context.WithTimeout(t.Context(), time.Duration(i%7)*slowly+slowly/2)
			all.Go(func() {
				defer giveUp()
				_, err := a.Append(ctx, about(fmt.Sprint("trials/v-", i)))
				written[i] = err == nil
			})
		}
		all.Wait()
		reported := 0
		for _, w := range written {
			if w {
				reported++
			}
		}
		r.requireChain(t, 1+reported)
		require.Greater(t, reported, 1)
		require.Less(t, reported, len(written))
	})
}

// Another process may win amid a write of several entries: recorded entries stay, and the rest follows.
func TestAnEntryOfAnotherProcessAmidAWrite(t *testing.T) {
	t.Parallel()
	for _, after := range []int{1, 2, 9} {
		synctest.Test(t, func(t *testing.T) {
			r := &records{breaks: after}
			a := audit.NewAppender(r, func(int) {})
			stands, errs := make([]audit.Entry, 11), make([]error, 11)
			var all sync.WaitGroup
			busy(t, a, &all)
			for i := range stands {
				all.Go(func() { stands[i], errs[i] = a.Append(t.Context(), about(fmt.Sprint("trials/v-", i))) })
			}
			all.Wait()
			require.NoError(t, errors.Join(errs...))
			r.requireChain(t, 13)
			require.Equal(t, 1, r.refused)
			for _, e := range stands {
				require.Equal(t, r.entries[e.Seq-1], e)
			}
		})
	}
}

func TestAFailingWriteFailsItsOwnEntryAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &records{fails: errors.New("away")}
		a := audit.NewAppender(r, func(int) {})
		_, err := a.Append(t.Context(), about("a"))
		require.ErrorIs(t, err, r.fails)
		r.fails = nil
		_, err = a.Append(t.Context(), about("b"))
		require.NoError(t, err)
		r.requireChain(t, 1)
	})
}

// A process that comes to a long record finds its end in few reads, and one that was left behind
// finds on.
func TestTheEndOfTheRecordIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 2, 3, 7, 8, 20, 1000} {
			r := &records{}
			behind := audit.NewAppender(r, func(int) {})
			for _, before := range []int{n / 2, n} {
				for last := (audit.Entry{}); len(r.entries) < before; {
					if len(r.entries) > 0 {
						last = r.entries[len(r.entries)-1]
					}
					r.entries = append(r.entries, audit.Next(last, about("x")))
				}
				r.reads = 0
				e, err := behind.Append(t.Context(), about("y"))
				require.NoError(t, err)
				require.Equal(t, len(r.entries), e.Seq)
				require.Less(t, r.reads, 25)
			}
		}
	})
}

func TestAForgottenEntryIsSettledAsUnknown(t *testing.T) {
	t.Parallel()
	asked := audit.Next(audit.Entry{}, audit.Entry{At: at, RequestID: "r-1", Actor: "ada", Outcome: audit.Pending})
	require.False(t, asked.Forgotten(at.Add(4*time.Minute)))
	require.True(t, asked.Forgotten(at.Add(6*time.Minute)))
	command := asked
	command.RequestID = ""
	require.False(t, command.Forgotten(at.Add(23*time.Hour)), "a migration takes its time")
	require.True(t, command.Forgotten(at.Add(25*time.Hour)))
	settled := audit.Next(asked, asked.Unknown(at.Add(time.Hour)))
	require.False(t, settled.Forgotten(at.Add(48*time.Hour)))
	require.Equal(t, asked.Seq, settled.Settles)
	require.Equal(t, audit.Failed, settled.Outcome)
	require.Contains(t, settled.Detail, "may have been carried out")
	open := audit.Unsettled{}
	open.Apply(asked)
	require.Len(t, open, 1)
	open.Apply(settled)
	require.Empty(t, open)
}
