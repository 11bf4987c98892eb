package app

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// Previews sends previews.
type Previews interface {
	// StartPreview has a worker send one. The same one again is left alone.
	StartPreview(ctx context.Context, p notice.Preview) error
}

// MailOrder asks for a preview by e-mail.
type MailOrder struct {
	MailAsk
	Kind trial.Kind
	// To is a stakeholder's address.
	To string
}

// SendMailRecorded is SendMail on record, under a key.
func (a *App) SendMailRecorded(ctx context.Context, key string, o MailOrder) error {
	asked := audit.Entry{Action: "sendMail", Subject: "mail/send", Key: key, Asked: audit.Document(map[string]string{
		"kind": string(o.Kind), "policy": o.Policy, "language": o.Language,
	})}
	return a.Record(ctx, asked, o, func(ctx context.Context) error {
		_, err := a.SendMail(ctx, o)
		return err
	})
}

// SendMail has a worker send one of the e-mails to vendors to a stakeholder who wants to look at it, marked as a preview and with
// links that lead nowhere, and returns it. It is no vendor's: nothing suppresses it, and it counts nowhere.
func (a *App) SendMail(ctx context.Context, o MailOrder) (PreviewedMail, error) {
	to, err := notice.RecipientOf(a.Stakeholders, o.To)
	if err != nil {
		return PreviewedMail{}, err
	}
	mail, err := a.PreviewMail(o.MailAsk, o.Kind)
	if err != nil {
		return mail, err
	}
	noteChange(ctx, nil, map[string]string{"recipient": to.ID})
	id := rand.Text()
	if key := keyOf(ctx).key; key != "" {
		sum := sha256.Sum256([]byte(key))
		id = hex.EncodeToString(sum[:16])
	}
	return mail, a.Previews.StartPreview(ctx, notice.Preview{
		ID: id, Kind: o.Kind, Policy: o.Policy, Language: o.Language, Zone: o.Zone, RecipientID: to.ID, At: a.Present(),
	})
}
