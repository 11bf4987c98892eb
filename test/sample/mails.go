package sample

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

// templates are the built-in words, with a brand.
var templates = sync.OnceValue(func() *wiring.Templates {
	t, err := wiring.NewTemplates(func() (config.Mail, error) {
		mail, err := config.Config{}.Mail()
		mail.Brand.Name, mail.Brand.Support, mail.Brand.PostalAddress = "Nordic Market", "help@nordic.example", "Nordic Market AB\nStorgatan 1"
		mail.Brand.Sender.Name, mail.Brand.Sender.ReplyTo = "Nordic Market", "help@nordic.example"
		mail.Brand.Buttons.Default = "https://nordic.example/plans?vendor={vendorId}"
		return mail, err
	}, zap.NewNop())
	if err != nil {
		panic(err) // the world is made wrongly
	}
	return t
})

// policies are two, the second with an e-mail of its own.
func policies() policy.Set {
	set := policy.BuiltIn()
	long := trial.DefaultPolicy()
	long.Name, long.LengthDays, long.ReminderDays = "thirty-days", 30, []int{7, 1}
	long.Mailings = []trial.Mailing{{ID: "half-way", After: trial.AfterStart, Days: 15, Template: "reminder"}}
	set.Policies = append(set.Policies, long)
	return set
}

// faulty are templates of which something is wrong.
type faulty struct {
	wiring.Mails
	faults error
}

func (f faulty) Faults(context.Context) error { return f.faults }

// BadTemplates has the templates be wrong.
func (w *World) BadTemplates() {
	w.faults = errors.Join(errors.New("our/mail/de/welcome.yaml: line 3: subject: is missing"), errors.New("our/mail/brand.yaml: line 9: buttons.expiry: must begin with https://"))
}

// mailApp carries out what is asked of e-mails as the API does, but for sending.
func (w *World) mailApp() *app.App {
	return app.New(app.Options{
		Store: mailStore{world: w}, Mails: faulty{wiring.Mails{Templates: templates()}, w.faults}, Policies: policies(), Day: day, Previews: w,
		Stakeholders: []notice.Stakeholder{{Role: notice.ProductOwner, Email: "po@nordic.example"}}, Log: zap.NewNop(), Now: func() time.Time { return w.Moment },
	})
}

// mailStore is the part of a store that the use cases of e-mails need.
type mailStore struct {
	app.Store
	world *World
}

func (s mailStore) Send(ctx context.Context, key string) (*trial.Send, error) {
	return s.world.Send(ctx, key)
}

func (s mailStore) MailVersion(ctx context.Context, hash string) ([]byte, bool, error) {
	return s.world.MailVersion(ctx, hash)
}

func (s mailStore) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	return s.world.VendorOnRecord(ctx, id)
}

// StartPreview implements app.Previews.
func (w *World) StartPreview(_ context.Context, p notice.Preview) error {
	w.Previews = append(w.Previews, p)
	return nil
}

// SentMail implements dashboard.Mails, as the others below.
func (w *World) SentMail(ctx context.Context, key string) (app.SentMail, error) {
	return w.mailApp().SentMail(ctx, key)
}

func (w *World) MailOverview(ctx context.Context) (app.MailOverview, error) {
	return w.mailApp().MailOverview(ctx)
}

func (w *World) PreviewMails(ask app.MailAsk) ([]app.PreviewedMail, error) {
	return w.mailApp().PreviewMails(ask)
}

func (w *World) PreviewMail(ask app.MailAsk, kind trial.Kind) (app.PreviewedMail, error) {
	return w.mailApp().PreviewMail(ask, kind)
}

func (w *World) SendMailRecorded(ctx context.Context, _ string, o app.MailOrder) error {
	_, err := w.mailApp().SendMail(ctx, o)
	return err
}

// written is what an e-mail of a step was made of: its version, which is kept, and what it says of the vendor.
func (w *World) written(s trial.State, step trial.Step, at time.Time) (hash string, fields *trial.MailFields) {
	mail, c := templates().Current(), ses.ContentOf(s, step, at)
	c.VendorName, c.Brand, c.Words = "Casa Azul", mail.Brand, mail.Words
	version, _ := ses.VersionOf(c)
	hash, content, err := version.Encoded()
	if err != nil {
		panic(err) // the world is made wrongly
	}
	said := c.Fields()
	w.MailVersions[hash] = content
	return hash, &said
}
