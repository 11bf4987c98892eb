package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// ShownMail is an e-mail to a vendor to be looked at: its links lead nowhere, and no token is in it.
type ShownMail struct {
	// From is the sender's name, and ReplyTo whom answers go to; empty for what MAIL_FROM says.
	From, ReplyTo       string
	Subject, Text, HTML string
	// Image is the address of the one image in it, empty for none.
	Image string
	// Language is that of its words.
	Language string
}

// Mails renders e-mails to vendors, to be looked at.
type Mails interface {
	// Again renders the e-mail that was made of a version of its template and these fields.
	Again(version []byte, vendorID string, f trial.MailFields) (ShownMail, error)
	// Preview renders the e-mail of a step to a vendor whose locale is this.
	Preview(r trial.Rehearsed, locale string) (ShownMail, error)
	// Languages are those that there are words in, the default one first.
	Languages() []string
	// Faults are all that is wrong with what the templates have become, nil for nothing: then the last good ones are used.
	Faults(ctx context.Context) error
}

// SentMail is an e-mail as it was sent to a vendor.
type SentMail struct {
	Send trial.Send
	// Shown is nil if it cannot be shown, and Missing says why.
	Shown   *ShownMail
	Missing string
	// Nameless says that the vendor's name was in the greeting, and is left out: who sees it is on the audit record, and this is
	// not (ViewVendorRecorded is).
	Nameless bool
}

// SentMail returns the e-mail of a key as it was sent, but for the vendor's name. An unknown one is a *trial.Error with trial.CodeNotFound.
func (a *App) SentMail(ctx context.Context, key string) (SentMail, error) {
	send, err := a.Store.Send(ctx, key)
	if err != nil {
		return SentMail{}, err
	}
	if send == nil {
		return SentMail{}, &trial.Error{Code: trial.CodeNotFound, Message: "there is no e-mail " + key}
	}
	mail := SentMail{Send: *send}
	if !access.Of(ctx).Role.Covers(access.Operator) {
		mail.Send.AddressHash = "" // with it guesses of an address can be tested
	}
	if send.Fields != nil && send.Fields.Name != "" {
		fields := *send.Fields
		fields.Name = ""
		mail.Send.Fields, mail.Nameless = &fields, true
		send = &mail.Send
	}
	switch {
	case send.Status != trial.SendSent:
		mail.Missing = fmt.Sprintf("This e-mail was not sent: its status is %s.", send.Status)
	case send.Template == "":
		mail.Missing = "It is not on record what this e-mail was made of: no worker has told that it was sent."
	case send.Fields == nil:
		mail.Missing, err = a.unsaid(ctx, *send)
	default:
		mail.Shown, mail.Missing, err = a.again(ctx, *send)
	}
	return mail, err
}

// unsaid says why it is not known what an e-mail said of its vendor.
func (a *App) unsaid(ctx context.Context, send trial.Send) (string, error) {
	v, err := a.Store.VendorOnRecord(ctx, send.VendorID)
	if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
		return "", err
	}
	if err == nil && v.ErasedAt != nil {
		return fmt.Sprintf("This vendor was erased at %s. What its e-mails said of it was erased as well; the version of the template, %s, is kept.",
			v.ErasedAt.UTC().Format("2006-01-02 15:04 UTC"), send.Template), nil
	}
	return "It is not on record what this e-mail said of its vendor: it was sent by an earlier version of this program.", nil
}

// again renders an e-mail anew, or says why that cannot be done.
func (a *App) again(ctx context.Context, send trial.Send) (*ShownMail, string, error) {
	version, found, err := a.Store.MailVersion(ctx, send.Template)
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, fmt.Sprintf("The version of the template that this e-mail was made of, %s, is not on record.", send.Template), nil
	}
	shown, err := a.Mails.Again(version, send.VendorID, *send.Fields)
	if err != nil {
		return nil, fmt.Sprintf("This version of the program cannot show the version of the template, %s, any more: %v.", send.Template, err), nil
	}
	return &shown, "", nil
}

// InScheme is an e-mail's HTML as a mail program with a color scheme, light or dark, shows it, whatever the browser's is: a page
// cannot choose that of what it frames.
func InScheme(text, scheme string) (string, error) {
	always, never := "(min-width: 0px)", "(max-width: 0px)"
	switch scheme {
	case "light":
		always, never = never, always
	case "dark":
	default:
		return "", trial.Invalid("scheme", "must be light or dark")
	}
	return strings.NewReplacer(
		"(prefers-color-scheme: dark)", always, "(prefers-color-scheme: light)", never,
		"color-scheme: light dark", "color-scheme: "+scheme, "color-schemes: light dark", "color-schemes: "+scheme,
		`content="light dark"`, `content="`+scheme+`"`,
	).Replace(text), nil
}

// MailAsk says which e-mails to look at: those of a policy, empty for the default one, to a vendor with a language and a time zone,
// empty for the default language and UTC.
type MailAsk struct{ Policy, Language, Zone string }

// PreviewedMail is an e-mail that a vendor who registers now would get, and when.
type PreviewedMail struct {
	trial.TimetableEntry
	Shown ShownMail
	// Problem says why it cannot be shown, such as a kind without words; empty if it can.
	Problem string
}

// PreviewMails are the e-mails that a vendor who registers now would get, in order. What is asked wrongly is a *trial.Error that
// names the field.
func (a *App) PreviewMails(ask MailAsk) ([]PreviewedMail, error) {
	if ask.Language != "" && !trial.ValidLocale(ask.Language) {
		return nil, trial.Invalid("language", "%.40q is no language like pt-BR", ask.Language)
	}
	steps, err := a.Policies.Rehearse(ask.Policy, ask.Zone, a.Day, a.Present())
	if err != nil {
		return nil, err
	}
	all := make([]PreviewedMail, 0, len(steps))
	for _, r := range steps {
		mail := PreviewedMail{TimetableEntry: r.TimetableEntry}
		if mail.Shown, err = a.Mails.Preview(r, ask.Language); err != nil {
			mail.Problem = err.Error()
		}
		all = append(all, mail)
	}
	return all, nil
}

// PreviewMail is the one of them of a kind. One that the policy does not have is a *trial.Error that names the field; one that cannot
// be rendered has trial.CodeConflict.
func (a *App) PreviewMail(ask MailAsk, kind trial.Kind) (PreviewedMail, error) {
	all, err := a.PreviewMails(ask)
	if err != nil {
		return PreviewedMail{}, err
	}
	i := slices.IndexFunc(all, func(m PreviewedMail) bool { return m.Kind == kind })
	if i < 0 {
		return PreviewedMail{}, trial.Invalid("kind", "%.40q is no e-mail of this policy; such are %s", kind, kindsOf(all))
	}
	if all[i].Problem != "" {
		return all[i], trial.Conflict("this e-mail cannot be rendered: %s", all[i].Problem)
	}
	return all[i], nil
}

func kindsOf(all []PreviewedMail) (list string) {
	for i, m := range all {
		if i > 0 {
			list += ", "
		}
		list += string(m.Kind)
	}
	return list
}

// MailOverview is which e-mails there are.
type MailOverview struct {
	// Languages are those that there are words in, the default one first.
	Languages []string
	Policies  []PolicyMails
	// Faults are all that is wrong with what the templates have become; nil for nothing.
	Faults error
}

// PolicyMails are the e-mails of a policy.
type PolicyMails struct {
	Policy  string
	Default bool
	Kinds   []trial.Kind
}

// MailOverview says which e-mails there are.
func (a *App) MailOverview(ctx context.Context) (MailOverview, error) {
	o := MailOverview{Faults: a.Mails.Faults(ctx), Languages: a.Mails.Languages()}
	for _, p := range a.Policies.Policies {
		steps, err := a.Policies.Rehearse(p.Name, "", a.Day, a.Present())
		if err != nil {
			return o, err
		}
		mails := PolicyMails{Policy: p.Name, Default: p.Name == a.Policies.Default}
		for _, r := range steps {
			mails.Kinds = append(mails.Kinds, r.Kind)
		}
		o.Policies = append(o.Policies, mails)
	}
	return o, nil
}
