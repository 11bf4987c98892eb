package rest_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
)

// allocated is how many bytes a call has taken in all.
func allocated(call func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	call()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A long list of wrong values costs little more than reading it. Not in parallel: what others take
// would count.
func TestAListOfWrongValuesTakesLittleMemory(t *testing.T) { //nolint:paralleltest // said above
	a := makeAPI(t, options{silent: true})
	wrong := func(n int) string {
		return `{"action":"cancel","reason":"r","ids":[` + strings.TrimSuffix(strings.Repeat(`"",`, n), ",") + `]}`
	}
	plan := func(n int) string {
		return `{"plan":{"name":"p","phases":[` + strings.TrimSuffix(strings.Repeat(`{},`, n), ",") + `]}}`
	}
	for name, c := range map[string]struct {
		path, body string
		times      uint64
	}{
		"far too many":                   {bulkPath, wrong(600_000), 40},
		"as many as may be, each wrong":  {bulkPath, wrong(bulk.MaxItems), 250},
		"a plan of empty phases":         {rolloutsPath, plan(20_000), 40},
		"a plan of fields that are none": {rolloutsPath, `{"plan":{` + strings.TrimSuffix(strings.Repeat(`"a":1,`, 1), ",") + unknownFields(5000) + `}}`, 60},
	} {
		a.inside(http.MethodPost, c.path, "k", `[]`) // what is made once is made
		taken := allocated(func() {
			answer := a.inside(http.MethodPost, c.path, "k", c.body)
			require.Equal(t, http.StatusBadRequest, answer.Code, name)
			require.Less(t, answer.Body.Len(), 10<<10, name)
		})
		require.Less(t, taken, c.times*uint64(len(c.body)), "%s: %d bytes for %d", name, taken, len(c.body))
	}
	require.Empty(t, a.store.Record)
}

func unknownFields(n int) string {
	var fields strings.Builder
	for i := range n {
		fmt.Fprintf(&fields, `,"f%d":1`, i)
	}
	return fields.String()
}

// A short body may hold as many ids as a long one, and whoever sends long ones at once is served.
func TestLongListsAreTaken(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	list := strings.TrimSuffix(strings.Repeat(`"a",`, 5000), ",")
	require.NotContains(t, string(a.ask(bulkPath, "k", `{"action":"cancel","reason":"r","ids":[`+list+`]}`).body), "too many values")
	var all sync.WaitGroup
	statuses := make([]int, 4)
	for i := range statuses {
		all.Go(func() {
			statuses[i] = a.inside(http.MethodPost, bulkPath, fmt.Sprint("k-", i), `{"action":"cancel","reason":"r","ids":`+ids(2000)+`}`).Code
		})
	}
	all.Wait()
	for _, status := range statuses {
		require.Equal(t, http.StatusAccepted, status)
	}
}
