package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// Validation is what a look at all users found; nothing is changed by it.
type Validation struct {
	// WithAutomation is how many users have the field trialAutomation, and
	// WithoutStart how many vendors lack trialStartDate: the requirements' two queries.
	WithAutomation int64 `json:"withAutomation"`
	WithoutStart   int64 `json:"withoutStart"`
	// Counts are what a migration would make of the users now.
	Counts migration.Counts `json:"counts"`
	// Findings are the undecided, and those whose trial would begin with e-mail
	// about the past, in the order of their ids.
	Findings []Finding `json:"findings"`
}

// Finding is one vendor that somebody has to look at.
type Finding struct {
	// ID is empty where it cannot name a trial: it may be anything then, an
	// address as well.
	ID     string           `json:"id"`
	Field  string           `json:"field"`
	Reason migration.Reason `json:"reason"`
}

// InOrder tells whether every vendor has what its trial needs.
func (v Validation) InOrder() bool {
	return v.WithoutStart == 0 && v.Counts.Migrated == 0 && len(v.Findings) == 0
}

// ValidateMigration goes through all users and says what a migration has left.
func (s *Store) ValidateMigration(ctx context.Context, m Migration) (v Validation, err error) {
	if v.WithAutomation, err = s.countWithAutomation(ctx); err != nil {
		return v, err
	}
	if v.WithoutStart, err = s.VendorsWithoutStart(ctx); err != nil {
		return v, err
	}
	terms, err := s.terms(ctx, m)
	if err != nil {
		return v, err
	}
	v.Findings = []Finding{}
	p := migration.Begin(migration.Version{}, migration.Progress{}, terms)
	for p.FinishedAt == nil {
		found, err := s.usersPage(ctx, p, m.Page)
		if err != nil {
			return v, err
		}
		page := migration.Page{Last: found.last}
		for _, raw := range found.users {
			d, err := s.decideUser(ctx, raw, terms)
			if err != nil {
				return v, err
			}
			page.Counts.Note(d)
			page.To = pageID(raw)
			v.note(page.To, d)
		}
		if p = p.Turn(page).Turned(terms.At); m.OnProgress != nil {
			m.OnProgress(p)
		}
	}
	v.Counts = p.Counts
	return v, nil
}

func (v *Validation) note(id string, d migration.Decision) {
	if d.Verdict != migration.Undecided && d.Reason != migration.WouldMail {
		return
	}
	if !trial.ValidVendorID(id) {
		id = ""
	}
	v.Findings = append(v.Findings, Finding{ID: id, Field: d.Field, Reason: d.Reason})
}

func (s *Store) countWithAutomation(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	n, err := s.users.CountDocuments(ctx, bson.D{{Key: "trialAutomation", Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil {
		return 0, failed("counting users with trialAutomation", err)
	}
	return n, nil
}
