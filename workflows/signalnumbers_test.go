package workflows

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// arrived are the ids that messages get in a run that began with what an earlier one carried on. Some of them arrive
// before the run begins.
func arrived(run string, carried *SignalNumbers, early int, messages []message) (ids []string, numbers *SignalNumbers) {
	q := &queue{}
	for i, m := range messages {
		if i == early {
			q.begin(run, carried)
		}
		q.push(m.name, m.payload)
	}
	if early >= len(messages) {
		q.begin(run, carried)
	}
	for _, m := range q.messages {
		ids = append(ids, m.id)
	}
	return ids, q.numbers
}

// asInput is what a run is given of what the one before carried on.
func asInput(t require.TestingT, n *SignalNumbers) *SignalNumbers {
	data, err := json.Marshal(n)
	require.NoError(t, err)
	var given SignalNumbers
	require.NoError(t, json.Unmarshal(data, &given))
	return &given
}

// Whichever run of a chain is reset, each of its messages and of those after it has the id that it had before, and no
// two messages have the same one, however many there are.
func TestAMessageHasOneIDWhicheverRunIsReset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []message
		for _, c := range rapid.SliceOfN(rapid.IntRange(0, 5), 1, 20).Draw(t, "contents") {
			for i := range map[bool]int{true: maxContents, false: 1}[c == 5] { // more contents than are counted
				all = append(all, sent(rollout.SignalPause, fmt.Sprintf(`{"reason":"%d/%d"}`, c, i)))
			}
		}
		var ids []string
		seen, began := map[string]bool{}, map[int]*SignalNumbers{}
		var carried *SignalNumbers
		for run, from := 1, 0; from < len(all); run++ {
			until := rapid.IntRange(from+1, min(from+maxContents, len(all))).Draw(t, "until")
			began[from] = carried
			got, numbers := arrived(fmt.Sprintf("run-%d", run), carried, rapid.IntRange(0, 3).Draw(t, "early"), all[from:until])
			require.LessOrEqual(t, len(numbers.Alike), maxContents)
			for _, id := range got {
				require.False(t, seen[id], "%s comes twice", id)
				seen[id] = true
			}
			ids, carried, from = append(ids, got...), asInput(t, numbers), until
		}
		for from, carried := range began {
			again, _ := arrived("run-1", carried, len(all), all[from:])
			require.Equal(t, ids[from:], again)
		}
	})
}

// What names an id is the same message whenever it arrives, and takes no room; nor does what needs none.
func TestAMessageThatNamesAnIDIsNotCounted(t *testing.T) {
	t.Parallel()
	same := sent(bulk.ControlPause, `{"id":"k-1","reason":7}`)
	ids, numbers := arrived("run-1", nil, 0, []message{
		same, same, sent(rollout.SignalJudged, `{"snapshot":3}`), sent(trial.SignalWake, `{}`), sent(trial.SignalNoMail),
	})
	require.NotEmpty(t, ids[0])
	require.Equal(t, ids[0], ids[1])
	require.Equal(t, []string{"", "", ""}, ids[2:])
	require.Empty(t, numbers.Alike)
	ids, numbers = arrived("run-1", nil, 1, []message{sent(rollout.SignalPause), sent(rollout.SignalPause, `{"id":""}`), sent(rollout.SignalPause, `no JSON`)})
	require.Len(t, numbers.Alike, 3)
	require.NotContains(t, ids, "")
}

// A run that is reset drops those of its messages, and of the runs after it, that were handled by the time of what is
// stored, and none where that tells of others.
func TestAResetDropsTheMessagesThatWereHandled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []message
		for _, c := range rapid.SliceOfN(rapid.IntRange(0, 3), 1, 12).Draw(t, "contents") {
			all = append(all, sent(rollout.SignalPause, fmt.Sprintf(`{"reason":"%d"}`, c)))
		}
		handled, began := []string{""}, map[int]*SignalNumbers{}
		q := &queue{}
		q.begin("run-1", nil)
		for i, m := range all {
			if rapid.Bool().Draw(t, "continued") {
				began[i] = asInput(t, q.numbers)
				q = &queue{}
				q.begin(fmt.Sprintf("run-%d", i+2), began[i])
			}
			q.push(m.name, m.payload)
			q.pop()
			handled = append(handled, q.numbers.Handled)
		}
		began[0] = nil
		for from, carried := range began {
			for stored := range handled {
				left := resetAndForget("run-1", carried, all[from:], handled[stored])
				require.Equal(t, len(all)-max(stored, from), left)
			}
			require.Equal(t, len(all)-from, resetAndForget("run-1", carried, all[from:], "of another run"))
		}
		require.Equal(t, len(all), resetAndForget("another", nil, all, q.numbers.Handled))
	})
}

// resetAndForget is how many messages are left of those that a run is given once more.
func resetAndForget(run string, carried *SignalNumbers, again []message, handled string) int {
	q := &queue{}
	q.begin(run, carried)
	for _, m := range again {
		q.push(m.name, m.payload)
	}
	q.dropHandled(handled)
	return len(q.messages)
}
