// Package feedback is what vendors answer when they are asked whether an e-mail helped them, and what the answers add up
// to. Everything here is pure.
package feedback

import (
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/trial"
)

const (
	// MaxText is the longest text of an answer, in characters.
	MaxText = 2000
	// MaxPerVendor bounds the answers of one vendor: only the marketplace's own forms have kinds that no policy has.
	MaxPerVendor = 50
)

// Answer is a vendor's answer about one kind of e-mail. A vendor has one for each kind: a later one replaces it.
type Answer struct {
	// Kind is that of the e-mail, such as "welcome", or the name of a form of the marketplace's own.
	Kind string `json:"kind"`
	// Helpful is the answer: yes or no.
	Helpful bool `json:"helpful"`
	// Text is what the vendor added, empty for nothing. It is personal data: it is not logged, and an erasure removes it.
	Text string    `json:"text"`
	At   time.Time `json:"at"`
	// Cohort is the one that the vendor's trial was counted in then.
	Cohort trial.Cohort `json:"cohort"`
	// Phase is where the rollout was then; its zero value where none ran.
	Phase Phase `json:"phase"`
}

// Phase is a phase of a rollout. Stability and guard belong to the last one.
type Phase struct {
	// RolloutID is empty where no rollout ran.
	RolloutID string `json:"rolloutId"`
	// Epoch counts the restarts of the rollout's evidence, Phase the plan's phases, from 0.
	Epoch int `json:"epoch"`
	Phase int `json:"phase"`
}

var kind = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ValidKind reports whether a kind may have an answer: letters, digits, underscore and dash, at most 64, as in links.
func ValidKind(s string) bool { return kind.MatchString(s) }

// CleanText is a text as it is stored: with plain line ends, and without blanks around it. What cannot be stored is a
// *trial.Error about the field text.
func CleanText(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) // as forms send it
	switch {
	case !utf8.ValidString(text):
		return "", trial.Invalid("text", "must be UTF-8")
	case utf8.RuneCountInString(text) > MaxText:
		return "", trial.Invalid("text", "must be at most %d characters, has %d", MaxText, utf8.RuneCountInString(text))
	case strings.ContainsFunc(text, isControl):
		return "", trial.Invalid("text", "must have no control characters but line ends and tabs")
	}
	return text, nil
}

func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// Checked is an answer as it is stored, or a *trial.Error that names the field at fault.
func (a Answer) Checked() (Answer, error) {
	if !ValidKind(a.Kind) {
		return a, trial.Invalid("kind", "must be 1 to 64 letters, digits, underscores and dashes")
	}
	text, err := CleanText(a.Text)
	a.Text = text
	return a, err
}

// Fits tells whether one more answer may be kept beside those of the same vendor: it replaces one, or they are not too many.
func (a Answer) Fits(kept []Answer) bool {
	for _, k := range kept {
		if k.Kind == a.Kind {
			return true
		}
	}
	return len(kept) < MaxPerVendor
}
