package trial

import (
	"errors"
	"slices"
	"time"
)

// Move is a running trial's move to another policy than it had.
type Move struct {
	// From is the name of the policy that the trial was registered with, whatever came between.
	From string `json:"from"`
	// Revision is the one that the move made. The policy's mailings after the start belong to it.
	Revision int `json:"revision"`
	// Kept are those of them that were still to come under the policy before, with the revision that they have kept: an e-mail
	// on its way has its key from that.
	Kept map[Kind]int `json:"kept"`
	// Late are those of Kept that were due by then, so that they are not past by the new policy.
	Late []Kind `json:"late,omitempty"`
	// At is when.
	At time.Time `json:"at"`
}

// FieldPolicy is the wrong field if a trial cannot be moved to a policy.
const FieldPolicy = "policy"

// RegisteredPolicy is the name of the policy that the trial was registered with. No move changes it.
func (s State) RegisteredPolicy() string {
	if s.Moved != nil {
		return s.Moved.From
	}
	return s.Policy.Name
}

// Equal reports whether two policies have the same name and terms.
func (p Policy) Equal(o Policy) bool {
	return p.Name == o.Name && p.LengthDays == o.LengthDays && p.GraceDays == o.GraceDays && p.SendHour == o.SendHour &&
		slices.Equal(p.ReminderDays, o.ReminderDays) && slices.Equal(p.QuietDays, o.QuietDays) &&
		slices.EqualFunc(p.Mailings, o.Mailings, Mailing.equal)
}

func (m Mailing) equal(o Mailing) bool {
	return m.ID == o.ID && m.After == o.After && m.Days == o.Days && m.Hours == o.Hours && m.Template == o.Template && slices.Equal(m.Unless, o.Unless)
}

// RevisionOfStart is the revision that a mailing after the start belongs to.
func (s State) RevisionOfStart(kind Kind) int {
	if s.Moved == nil {
		return 0
	}
	if kept, ok := s.Moved.Kept[kind]; ok {
		return kept
	}
	return s.Moved.Revision
}

// past reports whether a mailing after the start lies before the move that planned it: it was never due.
func (s State) past(step Step) bool {
	return s.Moved != nil && !step.At.After(s.Moved.At) && !slices.Contains(s.Moved.Late, step.Kind)
}

func (r Request) validatePolicy() error {
	if r.Policy == nil {
		return Invalid(FieldPolicy, "is missing: the whole policy, not its name alone")
	}
	if !mailingID.MatchString(r.Policy.Name) {
		return Invalid(FieldPolicy+".name", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit")
	}
	if wrong, ok := errors.AsType[*Error](r.Policy.Validate()); ok {
		return Invalid(FieldPolicy+"."+wrong.Field, "%s", wrong.Message)
	}
	return nil
}

// endUnder is the trial's end under another policy: as if the trial had always had it. Days that were given or taken by hand
// stay so, before and after, so a move there and back changes nothing.
func (s State) endUnder(p Policy) time.Time {
	if s.EndsAt.Equal(s.Calendar().AddDays(s.StartedAt, s.Policy.LengthDays)) {
		return s.Calendar().AddDays(s.StartedAt, p.LengthDays)
	}
	return s.Calendar().AddDays(s.EndsAt, p.LengthDays-s.Policy.LengthDays)
}

// move plans the pending steps anew, by another policy. What has gone out does not again: see gone.
func (s *State) move(e Event) {
	gone, goneOfStart := s.gone(e)
	moved := Move{From: s.RegisteredPolicy(), Revision: s.Revision + 1, At: e.At, Kept: map[Kind]int{}}
	s.supersede(ReasonRevised, e.At, func(step Step) bool {
		if m, _ := e.Request.Policy.Mailing(step.Kind); s.anchor(step.Kind) == AfterStart && m.After == AfterStart {
			moved.Kept[step.Kind] = step.Revision
			if !step.At.After(e.At) && !s.past(step) {
				moved.Late = append(moved.Late, step.Kind)
			}
			return true
		}
		return step.Kind == Welcome && e.KeepWelcome
	})
	s.Policy, s.Moved = *e.Request.Policy, &moved
	if e.Zone != "" {
		s.Zone = e.Zone
	}
	s.revise(*e.EndsAt, e.At)
	for _, step := range s.ifAutomated().Schedule() {
		of := s.ofStart(step.Kind)
		if !s.finished(step) && step.Kind != Welcome && (of && goneOfStart[step.Kind] || !of && gone[step.Kind]) {
			s.Steps = append(s.Steps, StepRecord{Step: step, Outcome: Superseded, Reason: ReasonRevised, At: e.At})
		}
	}
}

// gone are the e-mails that a move does not plan again. Of those that the new policy has after the start these are all that went
// out; of its others those that went out after the start, and where the end stays as it is, all. There, what is due and not held counts
// as gone out: it may have left.
func (s State) gone(e Event) (gone, goneOfStart map[Kind]bool) {
	gone, goneOfStart = map[Kind]bool{}, map[Kind]bool{}
	stays := s.EndsAt.Equal(*e.EndsAt)
	known := map[Kind]bool{}
	for _, step := range s.ifAutomated().Schedule() {
		held := !s.Automated || s.Held != nil && s.Held.Step.Kind == step.Kind
		gone[step.Kind] = stays && !s.ofStart(step.Kind) && (s.finished(step) || !step.At.After(e.At) && !held)
		known[step.Kind] = true
	}
	for _, r := range s.Steps {
		if kind := r.Step.Kind; r.Outcome == Ran && kind.mailOnly() {
			goneOfStart[kind] = true
			gone[kind] = gone[kind] || s.ofStart(kind) || stays && !known[kind]
		}
	}
	return gone, goneOfStart
}

// ifAutomated is the trial as if it were automated: one that was released may be adopted again.
func (s State) ifAutomated() State {
	s.Automated = true
	return s
}
