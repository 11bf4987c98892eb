package activities

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// PreviewMailer sends previews by e-mail.
type PreviewMailer interface {
	// DeliverPreview renders and sends. With an error, nothing has left and nothing will: the e-mail cannot be rendered.
	DeliverPreview(ctx context.Context, to, key string, p notice.Preview) (trial.SendResult, error)
}

// SendPreview sends one of the e-mails to vendors to a stakeholder, once. It is kept among the notices, and is in no figure: it
// is no vendor's. A recipient who is none any more gets nothing.
func (n *Notices) SendPreview(ctx context.Context, p notice.Preview) error {
	to, found := notice.RecipientWith(n.Stakeholders, p.RecipientID)
	mailer, able := n.Mailer.(PreviewMailer)
	if !found || !able {
		n.Log.Error("a preview is not sent: its recipient is no stakeholder of this worker", zap.String("preview", p.ID), zap.String("recipient", p.RecipientID))
		return nil
	}
	key := "preview/" + p.ID + "/" + to.ID
	return n.once(ctx, key, true, func() trial.SendResult {
		result, err := mailer.DeliverPreview(ctx, to.Address, key, p)
		if err != nil {
			n.Log.Error("a preview cannot be rendered", zap.String("preview", p.ID), zap.Error(err))
			return trial.SendResult{Status: trial.SendRefused, Reason: trial.NotRendered}
		}
		return result
	})
}
