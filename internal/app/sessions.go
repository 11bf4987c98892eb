package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// SessionEnd is what an admin wants of a session.
type SessionEnd struct {
	ID string
	// Everywhere ends all other sessions of the same person too.
	Everywhere bool
	Reason     string
	// Key lets the same request count once.
	Key string
}

// endedSession is a session that was ended, for the audit record.
type endedSession struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// EndSessionsRecorded has a session open nothing from the next request on, with an entry on the audit record.
func (a *App) EndSessionsRecorded(ctx context.Context, end SessionEnd) error {
	entry := audit.Entry{Action: "endSessions", Subject: "sessions/" + end.ID, Reason: end.Reason, Key: end.Key,
		Asked: audit.Document(map[string]any{"everywhere": end.Everywhere})}
	if err := checkReason(end.Reason); err != nil { // before it is on the audit record
		return err
	}
	return a.Record(ctx, entry, end, func(ctx context.Context) error { return a.endSessions(ctx, end) })
}

func (a *App) endSessions(ctx context.Context, end SessionEnd) error {
	first, err := a.Store.EndSession(ctx, end.ID, actor(ctx), a.Present())
	if err != nil {
		return err
	}
	shown, ended := []endedSession{a.ended(first)}, 1
	defer func() { noteChange(ctx, nil, map[string]any{"ended": shown, "count": ended}) }() // those that are over by then, on an error too
	for end.Everywhere {
		others, err := a.Store.SessionsOf(ctx, first.Subject, a.Present())
		if err != nil {
			return err
		}
		if len(others) == 0 {
			break
		}
		for _, s := range others {
			s, err = a.Store.EndSession(ctx, s.ID, actor(ctx), a.Present())
			if trial.CodeOf(err) == trial.CodeNotFound { // the person has signed out in between
				continue
			}
			if err != nil {
				return err
			}
			ended++
			if len(shown) < mostEndedShown {
				shown = append(shown, a.ended(s))
			}
		}
	}
	return nil
}

// mostEndedShown is how many of the sessions that were ended an audit entry names; it counts the others.
const mostEndedShown = 100

func (a *App) ended(s access.Session) endedSession {
	a.Log.Info("session ended", zap.String("session", s.ID))
	return endedSession{ID: s.ID, Name: s.Name, Since: s.Since}
}
