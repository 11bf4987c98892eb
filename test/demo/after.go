package main

import (
	"context"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// enrolled is what the collection `users` holds of a vendor's side of the rollout.
type enrolled struct {
	ID         string `bson:"_id"`
	Automation struct {
		Cohort       string    `bson:"cohort"`
		Bucket       float64   `bson:"bucket"`
		RegisteredAt time.Time `bson:"registeredAt"`
	} `bson:"trialAutomation"`
}

// inspectAfter looks at those who came from a moment on, when the rollout
// had been rolled back: nobody is admitted beyond what it went back to, and
// where it is disabled, no e-mail leaves.
func (r *rolloutRun) inspectAfter(ctx context.Context, f *finding, from time.Time) error {
	vendors, err := r.enrolled(ctx)
	if err != nil {
		return err
	}
	came := 0
	for _, v := range vendors {
		if !v.Automation.RegisteredAt.After(from) {
			continue
		}
		came++
		if v.Automation.Cohort == "automated" && v.Automation.Bucket >= r.percentage/100 {
			f.complain("%s was admitted after it was rolled back", v.ID)
		}
	}
	if came == 0 {
		f.complain("nobody came after it was rolled back")
	}
	if r.remedy != rollout.Immediate {
		return nil
	}
	messages, err := r.messages(ctx)
	for _, m := range messages {
		if m.At.After(from) {
			f.complain("%s left after it was rolled back", m.Step())
		}
	}
	return err
}

// inspectMails compares mailbox and database: every e-mail sent has come once,
// and everybody admitted was welcomed where e-mail works.
func (r *rolloutRun) inspectMails(ctx context.Context, f *finding) error {
	messages, err := r.messages(ctx)
	if err != nil {
		return err
	}
	came := map[string]int{}
	for _, m := range messages {
		came[m.Step()]++
	}
	sent, err := r.sent(ctx)
	if err != nil {
		return err
	}
	for _, key := range sent {
		if came[key] != 1 {
			f.complain("%s came %d times", key, came[key])
		}
	}
	if len(sent) != len(messages) || len(sent) == 0 {
		f.complain("%d e-mails came, the database knows of %d", len(messages), len(sent))
	}
	if r.status != rollout.Completed {
		return nil
	}
	return r.inspectWelcomes(ctx, f, came)
}

// inspectWelcomes looks for those who came well before the end and were not welcomed.
func (r *rolloutRun) inspectWelcomes(ctx context.Context, f *finding, came map[string]int) error {
	vendors, err := r.enrolled(ctx)
	for _, v := range vendors {
		early := f.state.EndedAt != nil && v.Automation.RegisteredAt.Before(*f.state.EndedAt)
		if early && v.Automation.Cohort == "automated" && came[v.ID+"/welcome/0"] != 1 {
			f.complain("%s was not welcomed", v.ID)
		}
	}
	return err
}

func (r *rolloutRun) enrolled(ctx context.Context) ([]enrolled, error) {
	return harness.Find[enrolled](ctx, r.database, "users", bson.M{})
}

// sent are the keys of the e-mails that the database knows to have left.
func (r *rolloutRun) sent(ctx context.Context) ([]string, error) {
	type send struct {
		Key string `bson:"_id"`
	}
	sends, err := harness.Find[send](ctx, r.database, "sends", bson.M{"sent": bson.M{"$exists": true}})
	keys := make([]string, len(sends))
	for i, s := range sends {
		keys[i] = s.Key
	}
	return keys, err
}

// messages are the e-mails to the vendors of this rollout.
func (r *rolloutRun) messages(ctx context.Context) ([]system.Message, error) {
	all, err := r.system.Messages(ctx, "")
	return to(all, r.domain()), err
}

// to are the messages to addresses of a domain.
func to(all []system.Message, domain string) []system.Message {
	var found []system.Message
	for _, m := range all {
		if len(m.To) == 1 && strings.HasSuffix(m.To[0], "@"+domain) {
			found = append(found, m)
		}
	}
	return found
}
