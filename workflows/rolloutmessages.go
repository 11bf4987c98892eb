package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/internal/domain/rollout"
)

// rolloutShapes are the fields of a rollout's messages. A person's words are taken exactly: read in part, they
// may mean the opposite.
var rolloutShapes = map[string]shape{
	rollout.SignalRollback:      {needs: []string{"percentage", "reason"}, may: []string{"inFlight", "id", "by", "seen"}},
	rollout.SignalPause:         {needs: []string{"reason"}, may: []string{"id", "by", "seen"}},
	rollout.SignalResume:        {needs: []string{"reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalAdvance:       {needs: []string{"reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalSetPercentage: {needs: []string{"percentage", "reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalTick:          {needs: []string{"subject", "met", "reason"}, may: []string{"id", "by", "seen"}},
	rollout.SignalWaive:         {needs: []string{"subject", "reason"}, may: []string{"id", "by", "seen"}},
}

// judgementShape is open: what the watch of a later version says more is no reason to miss an alarm.
var judgementShape = shape{needs: []string{"formula", "at", "snapshot", "position"}, open: true}

// answer carries out one message. One that does not apply is logged: over HTTP it was refused before it was sent.
func (r *rolloutRun) answer(ctx workflow.Context, m message) error {
	if m.name == rollout.SignalJudged {
		j, err := decode[rollout.Judgement](m, judgementShape)
		if err != nil {
			refuseMessage(ctx, m, err)
			return nil
		}
		r.applyJudgement(j)
		return nil
	}
	request, err := readRolloutRequest(m)
	if err != nil {
		refuseMessage(ctx, m, err)
		return nil
	}
	for {
		event, err := r.state.Request(m.name, request, r.judged, workflow.Now(ctx))
		if err != nil {
			refuseMessage(ctx, m, err)
			return nil
		}
		if event == nil {
			return nil
		}
		overtaken, err := r.tryEnact(ctx, *event)
		if err != nil || !overtaken {
			return err
		}
		if m.name != rollout.SignalPause && m.name != rollout.SignalRollback {
			refuseMessage(ctx, m, errOvertaken)
			return nil
		}
		// What stops the rollout does so whatever has been decided meanwhile.
	}
}

// errOvertaken refuses what was asked of a rollout that stands elsewhere.
var errOvertaken = errors.New("another decision stands already: what it was asked on is not so any more")

// readRolloutRequest is what a person asks for with a message.
func readRolloutRequest(m message) (rollout.Request, error) {
	s, known := rolloutShapes[m.name]
	if !known {
		return rollout.Request{}, errUnknownMessage
	}
	request, err := decode[rollout.Request](m, s)
	if err == nil && len(request.ID) > maxRequestID {
		err = errors.New("id is too long")
	}
	if request.ID == "" {
		request.ID = m.id
	}
	if request.FlagsVersion == 0 && m.before > 0 { // whoever sent it cannot have seen those
		request.FlagsVersion = m.before - 1
	}
	return request, err
}

// maxRequestID bounds the id that a message may name, in bytes.
const maxRequestID = 128

// applyJudgement keeps the newest judgement: that of a later snapshot, or of a later moment where a restored database
// counts snapshots from further back.
func (r *rolloutRun) applyJudgement(j rollout.Judgement) {
	if r.judged == nil || j.Snapshot >= r.judged.Snapshot || j.At.After(r.judged.At) {
		r.judged = &j
	}
}
