package workflows

import (
	"errors"

	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// rolloutShapes are the fields of a rollout's messages. They are read strictly: half of what a person wrote may mean the opposite.
var rolloutShapes = map[string]shape{
	rollout.SignalRollback:      {needs: []string{"percentage", "reason"}, may: []string{"inFlight", "id", "by", "seen"}},
	rollout.SignalPause:         {needs: []string{"reason"}, may: []string{"id", "by", "seen"}},
	rollout.SignalResume:        {needs: []string{"reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalAdvance:       {needs: []string{"reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalSetPercentage: {needs: []string{"percentage", "reason"}, may: []string{"id", "by", "seen", "flagsVersion"}},
	rollout.SignalTick:          {needs: []string{"subject", "met", "reason"}, may: []string{"id", "by", "seen"}},
	rollout.SignalWaive:         {needs: []string{"subject", "reason"}, may: []string{"id", "by", "seen"}},
}

// judgementShape is open: additional fields from the watch of a later version are no reason to miss an alarm.
var judgementShape = shape{needs: []string{"formula", "at", "snapshot", "position"}, open: true}

// handle carries out one message. It logs one that does not apply: the API refused it before sending.
func (r *rolloutRun) handle(ctx workflow.Context, m message) error {
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
		asked := request
		if !r.state.BoundToSeen(m.name, asked) {
			asked.Seen = "" // compared before the API passed it on: what holds back applies whatever was decided meanwhile
		}
		event, err := r.state.Request(m.name, asked, r.judged, workflow.Now(ctx))
		if err != nil {
			refuseMessage(ctx, m, err)
			return nil
		}
		if event == nil {
			return nil
		}
		before := r.state.Mark()
		overtaken, err := r.tryEnact(ctx, *event)
		if err != nil || !overtaken {
			return err
		}
		if r.state.Raises(m.name, request) || r.state.BoundToSeen(m.name, request) && r.state.Mark() != before {
			refuseMessage(ctx, m, errOvertaken)
			return nil
		}
	}
}

// errOvertaken refuses a request made on a state that has changed.
var errOvertaken = errors.New("another decision was stored first: the state that it was asked on has changed")

// readRolloutRequest reads a person's request.
func readRolloutRequest(m message) (flags.Request, error) {
	s, known := rolloutShapes[m.name]
	if !known {
		return flags.Request{}, errUnknownMessage
	}
	request, err := decode[flags.Request](m, s)
	if err == nil && len(request.ID) > maxRequestID {
		err = errors.New("id is too long")
	}
	if request.ID == "" {
		request.ID = m.id
	}
	if request.FlagsVersion == 0 && m.sentBefore > 0 { // the sender cannot have seen that version
		request.FlagsVersion = m.sentBefore - 1
	}
	return request, err
}

// maxRequestID bounds the id in a message, in bytes.
const maxRequestID = 128

// applyJudgement keeps the newest judgement: the one of the later snapshot, or of the later moment, since a restored database
// counts snapshots from further back.
func (r *rolloutRun) applyJudgement(j rollout.Judgement) {
	if r.judged == nil || j.Snapshot >= r.judged.Snapshot || j.At.After(r.judged.At) {
		r.judged = &j
	}
}
