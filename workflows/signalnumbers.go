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

// SignalNumbers give a message without an id one made of its content and of the number of equal messages before it. A reset
// delivers a run's signals again, in order, followed by those of the runs that continued it as new. So the count is passed on
// from run to run, in the name of the first: a message has the same id whichever run is reset.
type SignalNumbers struct {
	// Run is the run in which the count began.
	Run string `json:"run"`
	// Alike counts equal messages, in the order in which the first of each arrived.
	Alike []ContentCount `json:"alike,omitempty"`
	// Floor is the highest count that was dropped. New counts begin there, so that no id is used twice.
	Floor int `json:"floor,omitempty"`
	// Handled is a hash over the messages taken from the queue so far, in order; empty for none. Every stored record has
	// it, so that a reset run recognizes the messages handled before the record, whatever their result.
	Handled string `json:"handled,omitempty"`
}

// ContentCount is how many messages with a content have arrived.
type ContentCount struct {
	Content string `json:"content"`
	Count   int    `json:"count"`
}

const (
	// maxContents bounds the counted contents. Our own programs send ids, so only messages written by hand are counted.
	maxContents = 200
	// contentBytes is the length of a content's hash.
	contentBytes = 8
)

// id is the id of a message that has just arrived. A message with an id of its own, even if the rest is unreadable, is the same
// message whenever it arrives, and is not counted. Messages to which an id means nothing get none.
func (n *SignalNumbers) id(m message) string {
	switch m.name {
	case rollout.SignalJudged, trial.SignalWake, trial.SignalNoMail:
		return ""
	}
	content, count := contentOf(m), 1
	if !hasOwnID(m) {
		count = n.count(content)
	}
	return fmt.Sprintf("signal-%s-%s-%d", n.Run, content, count)
}

// contentOf is a hash over a message's name and payload.
func contentOf(m message) string {
	hash := sha256.New()
	hash.Write([]byte(m.name))
	for _, p := range m.payload.GetPayloads() {
		hash.Write([]byte{0})
		hash.Write(p.GetData())
	}
	return hex.EncodeToString(hash.Sum(nil)[:contentBytes])
}

// handledAfter is the hash Handled after one more message.
func (n *SignalNumbers) handledAfter(handled string, m message) string {
	sum := sha256.Sum256([]byte(cmp.Or(handled, n.Run) + "/" + contentOf(m)))
	return hex.EncodeToString(sum[:contentBytes])
}

// count counts a message with a content.
func (n *SignalNumbers) count(content string) int {
	i := slices.IndexFunc(n.Alike, func(a ContentCount) bool { return a.Content == content })
	if i < 0 {
		if len(n.Alike) >= maxContents {
			n.Floor, n.Alike = max(n.Floor, n.Alike[0].Count), n.Alike[1:]
		}
		i, n.Alike = len(n.Alike), append(n.Alike, ContentCount{Content: content, Count: n.Floor})
	}
	n.Alike[i].Count++
	return n.Alike[i].Count
}

// hasOwnID tells whether a message has an id.
func hasOwnID(m message) bool {
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
