package workflows

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// SignalNumbers give a message that names no id one of its content, and of how many alike came before it. A reset
// gives a run its signals once more, in their order, and those of the runs that it continued as new in behind them.
// So the count is carried on from run to run, in the name of the first: then whichever run is reset, each message
// has the id that it had before.
type SignalNumbers struct {
	// Run is the run that the count began in.
	Run string `json:"run"`
	// Alike counts the messages of a content, in the order in which the first of each arrived.
	Alike []Alike `json:"alike,omitempty"`
	// Floor is the highest count that was forgotten; what is counted anew is counted from there, so that no id comes
	// twice.
	Floor int `json:"floor,omitempty"`
	// Handled stands for the messages that were taken from the queue so far, their contents and their order, in the name
	// of Run; empty for none. What is stored carries it, so that after a reset it is seen which of the messages had been
	// handled by then, whatever became of each.
	Handled string `json:"handled,omitempty"`
}

// Alike is how many messages of a content have arrived.
type Alike struct {
	Content string `json:"content"`
	Count   int    `json:"count"`
}

const (
	// mostAlike bounds how many contents are counted. Our own programs name an id, so that these are what people have
	// written by hand.
	mostAlike = 200
	// contentBytes is how much of a content's hash tells it from the others.
	contentBytes = 8
)

// id is that of a message that has just arrived. One that names an id itself, though it may not be possible to read the
// rest, is the same message whenever it arrives, and is not counted; those to which an id means nothing have none.
func (n *SignalNumbers) id(m message) string {
	switch m.name {
	case rollout.SignalJudged, trial.SignalWake, trial.SignalNoMail:
		return ""
	}
	content, count := contentOf(m), 1
	if !namesID(m) {
		count = n.count(content)
	}
	return fmt.Sprintf("signal-%s-%s-%d", n.Run, content, count)
}

// contentOf stands for what a message says.
func contentOf(m message) string {
	hash := sha256.New()
	hash.Write([]byte(m.name))
	for _, p := range m.payload.GetPayloads() {
		hash.Write([]byte{0})
		hash.Write(p.GetData())
	}
	return hex.EncodeToString(hash.Sum(nil)[:contentBytes])
}

// handledAfter is Handled once it was handled, and then a message more.
func (n *SignalNumbers) handledAfter(handled string, m message) string {
	sum := sha256.Sum256([]byte(cmp.Or(handled, n.Run) + "/" + contentOf(m)))
	return hex.EncodeToString(sum[:contentBytes])
}

// count counts a message of a content.
func (n *SignalNumbers) count(content string) int {
	i := slices.IndexFunc(n.Alike, func(a Alike) bool { return a.Content == content })
	if i < 0 {
		if len(n.Alike) >= mostAlike {
			n.Floor, n.Alike = max(n.Floor, n.Alike[0].Count), n.Alike[1:]
		}
		i, n.Alike = len(n.Alike), append(n.Alike, Alike{Content: content, Count: n.Floor})
	}
	n.Alike[i].Count++
	return n.Alike[i].Count
}

// namesID tells whether a message names an id.
func namesID(m message) bool {
	for _, p := range m.payload.GetPayloads() {
		var named struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(p.GetData(), &named) == nil && named.ID != "" {
			return true
		}
	}
	return false
}
