package mailbox

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

func TestAHangupKeepsTheMailAndDropsTheConnection(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	must(t, http.MethodPut, url+"/faults", `{"kind":"hangup","match":"jo@"}`)
	_, err := sender(url).SendEmail(t.Context(), mailTo("jo@example.com"))
	require.Error(t, err)
	var api smithy.APIError
	require.NotErrorAs(t, err, &api, "there is no answer")
	require.Len(t, messages(t, url, "?to=jo@example.com"), 1)

	send(t, url, "mo@example.com")
}

func TestADelayHoldsTheAnswerBack(t *testing.T) {
	t.Parallel()
	const delay = 300 * time.Millisecond
	url, _ := startMailbox(t, Config{})
	must(t, http.MethodPut, url+"/faults", `{"kind":"delay","delay":"300ms"}`)
	started := time.Now()
	send(t, url, "jo@example.com")
	require.GreaterOrEqual(t, time.Since(started), delay)
}

func TestADelayedMailOfAClientThatIsGoneIsNotKept(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	must(t, http.MethodPut, url+"/faults", `{"kind":"delay","delay":"1h","match":"jo@"}`)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := sender(url).SendEmail(ctx, mailTo("jo@example.com"))
		gone <- err
	}()
	require.Eventually(t, func() bool { return faultsOf(t, url)[0].Hits == 1 }, deadline, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	send(t, url, "mo@example.com")
	require.Len(t, messages(t, url, ""), 1)
}

func TestARateHitsItsShareOfTheMails(t *testing.T) {
	t.Parallel()
	faults := new(faults)
	faults.put(Fault{Kind: "throttle", Rate: 0.25})
	const calls = 10_000
	hits := 0
	for range calls {
		if faults.judge([]string{"jo@example.com"}).refusal != nil {
			hits++
		}
	}
	require.InDelta(t, 0.25*calls, hits, 0.05*calls) // some ten standard deviations
	require.Equal(t, hits, faults.all()[0].Hits)
}

func TestFaultsAreTakenInTheirOrder(t *testing.T) {
	t.Parallel()
	faults := new(faults)
	faults.put(Fault{Kind: "delay", Rate: 1, delay: time.Second})
	faults.put(Fault{Kind: "throttle", Rate: 1, Count: 1})
	faults.put(Fault{Kind: "hangup", Rate: 1, Match: "JO@"})

	mo, jo := []string{"mo@example.com"}, []string{"x@example.com", "jo@example.com"}
	require.Equal(t, verdict{delay: time.Second, refusal: refusals["throttle"]}, faults.judge(jo))
	require.Equal(t, verdict{delay: time.Second, hangup: true}, faults.judge(jo))
	require.Equal(t, verdict{delay: time.Second}, faults.judge(mo))

	faults.put(Fault{Kind: "throttle", Rate: 1})
	require.Len(t, faults.all(), 3, "the same kind takes the other's place")
	require.NotNil(t, faults.judge(mo).refusal)
	faults.clear()
	require.Equal(t, verdict{}, faults.judge(jo))
}

func TestABadFaultIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	url, _ := startMailbox(t, Config{})
	must(t, http.MethodPut, url+"/faults", `{"kind":"throttle","match":"nobody"}`)
	before := faultsOf(t, url)
	for body, want := range map[string]string{
		`{"kind":"explode"}`:                 `kind: "explode"`,
		`{}`:                                 `kind: ""`,
		`{"kind":"fail","rate":1.5}`:         "rate: 1.5",
		`{"kind":"fail","rate":0}`:           "rate: 0",
		`{"kind":"fail","count":-1}`:         "count: -1",
		`{"kind":"fail","hits":3}`:           "hits",
		`{"kind":"delay"}`:                   "delay",
		`{"kind":"delay","delay":"soon"}`:    `"soon"`,
		`{"kind":"delay","delay":"-1s"}`:     `"-1s"`,
		`{"kind":"fail","delay":"1s"}`:       "delay",
		`{"kind":"fail","probability":1}`:    `"probability"`,
		`{"kind":"fail"}{"kind":"throttle"}`: "more follows",
		`[]`:                                 "array",
		`{`:                                  "unexpected EOF",
	} {
		status, _, answer := call(t, http.MethodPut, url+"/faults", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Contains(t, answer, want, body)
	}
	require.Equal(t, before, faultsOf(t, url))
}

// faultsOf lists the faults in force.
func faultsOf(t *testing.T, url string) []faultView {
	t.Helper()
	var list []faultView
	require.NoError(t, json.Unmarshal([]byte(must(t, http.MethodGet, url+"/faults", "")), &list))
	return list
}

type faultView struct {
	Kind  string
	Match string
	Rate  float64
	Hits  int
}
