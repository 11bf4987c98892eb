package rest

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// ShowEmail answers with an e-mail as it was sent.
func (s *server) ShowEmail(ctx context.Context, r ShowEmailRequestObject) (ShowEmailResponseObject, error) {
	mail, err := s.App.SentMail(ctx, trial.Step{Kind: trial.Kind(r.Kind), Revision: r.Revision}.Key(r.Id))
	if err != nil {
		return nil, err
	}
	answer := ShowEmail200JSONResponse{Email: mail.Send, Missing: mail.Missing}
	if m := mail.Shown; m != nil {
		answer.Shown = &ShownEmail{From: m.From, ReplyTo: m.ReplyTo, Subject: m.Subject, Text: m.Text, Html: m.HTML}
	}
	return answer, nil
}

// ResendEmail sends one e-mail of a trial again.
func (s *server) ResendEmail(ctx context.Context, r ResendEmailRequestObject) (ResendEmailResponseObject, error) {
	view, err := s.App.ResendEmail(ctx, app.ResendOrder{
		VendorID: r.Id, Email: bulk.Email{Kind: trial.Kind(r.Kind), Revision: r.Revision}, Reason: r.Body.Reason,
	})
	return ResendEmail202JSONResponse(view), err
}

// SendMail has one of the e-mails to vendors sent to a stakeholder.
func (s *server) SendMail(ctx context.Context, r SendMailRequestObject) (SendMailResponseObject, error) {
	o := app.MailOrder{Kind: trial.Kind(r.Body.Kind), To: r.Body.To}
	set(&o.Policy, r.Body.Policy)
	set(&o.Language, r.Body.Language)
	set(&o.Zone, r.Body.Timezone)
	mail, err := s.App.SendMail(ctx, o)
	if err != nil {
		return nil, err
	}
	return SendMail202JSONResponse{Kind: r.Body.Kind, Subject: notice.Marked(mail.Shown.Subject)}, nil
}
