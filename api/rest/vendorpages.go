package rest

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/vendorpage"
)

//go:embed vendorpages.html
var vendorPagesSource string

// vendorPages are the pages that e-mails to vendors link to. A text that they name and no language has is an error.
var vendorPages = template.Must(template.New("vendorpages").Option("missingkey=error").Parse(vendorPagesSource))

// vendorPage is a page as it is answered.
func vendorPage(name string, view any) (*bytes.Reader, int64, error) {
	page, err := render(vendorPages.Lookup(name), view)
	return bytes.NewReader(page), int64(len(page)), err
}

// pageFor is a page in a vendor's language: the default one where the vendor is not known, or erased.
func (s *server) pageFor(ctx context.Context, vendorID string) (vendorpage.Page, error) {
	locale, err := s.App.VendorLocale(ctx, vendorID)
	return vendorpage.New(s.Look(), locale), err
}

// guideView is what the guide shows.
type guideView struct {
	vendorpage.Guide

	// Said is what was just done; empty for nothing.
	Said string
}

// ShowGuide tells a vendor of its trial.
func (s *server) ShowGuide(ctx context.Context, request ShowGuideRequestObject) (ShowGuideResponseObject, error) {
	vendorID, err := s.reader(ctx, request.Token)
	if err != nil {
		return nil, err
	}
	page, length, err := s.guide(ctx, vendorID, "")
	return ShowGuide200TexthtmlResponse{Body: page, ContentLength: length}, err
}

// ChangeMails stops the e-mails to a vendor, or has them go out again.
func (s *server) ChangeMails(ctx context.Context, request ChangeMailsRequestObject) (ChangeMailsResponseObject, error) {
	vendorID, err := s.reader(ctx, request.Token)
	if err != nil {
		return nil, err
	}
	said, change := "nowOff", s.App.Unsubscribe
	if request.Body.Mails == Again {
		said, change = "nowOn", s.App.Resubscribe
	}
	if err := change(ctx, vendorID); err != nil {
		return nil, asBadLink(err)
	}
	page, length, err := s.guide(ctx, vendorID, said)
	return ChangeMails200TexthtmlResponse{Body: page, ContentLength: length}, err
}

// reader is the vendor of a link to the guide.
func (s *server) reader(ctx context.Context, token string) (string, error) {
	vendorID, err := s.Mail.Reader(token)
	if err == nil {
		callOf(ctx).letIn, callOf(ctx).canary = true, trial.IsCanary(vendorID) // our own signature is good
	}
	return vendorID, err
}

// guide is the page; said names the text of what was just done.
func (s *server) guide(ctx context.Context, vendorID, said string) (*bytes.Reader, int64, error) {
	v, state, err := s.App.VendorFacts(ctx, vendorID)
	if err != nil {
		return nil, 0, asBadLink(err)
	}
	l, now := s.Look(), s.App.Present()
	token, err := s.Mail.ButtonToken(l.Brand, v.ID, now)
	if err != nil {
		return nil, 0, err
	}
	view := guideView{Guide: vendorpage.NewGuide(l, vendorpage.Facts{Vendor: v, Trial: state, Now: now}, func(kind string) string {
		return l.Brand.Target(kind, v.ID, token)
	})}
	if view.Mails == vendorpage.MailsOn || view.Mails == vendorpage.MailsOff { // else what is said would not be true
		view.Said = view.Say[said]
	}
	return vendorPage("guide", view)
}

// asBadLink refuses a link to a vendor that does not exist, or is erased, as one that is not ours: it says nothing of the vendor.
func asBadLink(err error) error {
	if trial.CodeOf(err) == trial.CodeNotFound {
		return &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: "the link is not valid any more"}
	}
	return err
}

// unsubscribeView is what the page shows.
type unsubscribeView struct {
	vendorpage.Page

	Done bool
	// GuideURL leads to the guide, where e-mails can be had again.
	GuideURL string
}

// ShowUnsubscribe asks whether to stop the e-mails.
func (s *server) ShowUnsubscribe(ctx context.Context, request ShowUnsubscribeRequestObject) (ShowUnsubscribeResponseObject, error) {
	vendorID, err := s.Mail.Unsubscriber(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true // our own signature is good
	page, err := s.pageFor(ctx, vendorID)
	if err != nil {
		return nil, err
	}
	body, length, err := vendorPage("unsubscribe", unsubscribeView{Page: page})
	return ShowUnsubscribe200TexthtmlResponse{Body: body, ContentLength: length}, err
}

// Unsubscribe stops the e-mails.
func (s *server) Unsubscribe(ctx context.Context, request UnsubscribeRequestObject) (UnsubscribeResponseObject, error) {
	vendorID, err := s.Mail.Unsubscriber(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true
	if err := s.App.Unsubscribe(ctx, vendorID); err != nil {
		return nil, err
	}
	page, err := s.pageFor(ctx, vendorID)
	if err != nil {
		return nil, err
	}
	body, length, err := vendorPage("unsubscribe", unsubscribeView{Page: page, Done: true, GuideURL: "../guide/" + s.Mail.GuideToken(vendorID)})
	return Unsubscribe200TexthtmlResponse{Body: body, ContentLength: length}, err
}

// feedbackView is what the page shows.
type feedbackView struct {
	vendorpage.Page

	MaxText int
	// Helpful and Text are what was sent in; Refused says that the text cannot be kept.
	Helpful, Text string
	Refused       bool
	// Done says that the answer is kept.
	Done bool
}

func (s *server) feedbackPage(ctx context.Context, vendorID string, v feedbackView) (*bytes.Reader, int64, error) {
	var err error
	if v.Page, err = s.pageFor(ctx, vendorID); err != nil {
		return nil, 0, err
	}
	v.MaxText = feedback.MaxText
	return vendorPage("feedback", v)
}

// ShowFeedback asks whether an e-mail helped.
func (s *server) ShowFeedback(ctx context.Context, request ShowFeedbackRequestObject) (ShowFeedbackResponseObject, error) {
	vendorID, _, err := s.Mail.Asked(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn = true // our own signature is good
	page, length, err := s.feedbackPage(ctx, vendorID, feedbackView{})
	return ShowFeedback200TexthtmlResponse{Body: page, ContentLength: length}, err
}

// GiveFeedback keeps what a vendor answered on the page. A text that cannot be kept is shown again, with what is wrong.
func (s *server) GiveFeedback(ctx context.Context, request GiveFeedbackRequestObject) (GiveFeedbackResponseObject, error) {
	vendorID, kind, err := s.Mail.Asked(request.Token)
	if err != nil {
		return nil, err
	}
	callOf(ctx).letIn, callOf(ctx).canary = true, trial.IsCanary(vendorID)
	given := feedbackView{Helpful: string(request.Body.Helpful)}
	set(&given.Text, request.Body.Text)
	_, err = s.App.GiveFeedback(ctx, vendorID, feedback.Answer{Kind: kind, Helpful: request.Body.Helpful == Yes, Text: given.Text})
	if e := app.ErrorOf(err); err != nil && e.Code == trial.CodeInvalid && e.Field == "text" {
		given.Refused = true
		page, length, err := s.feedbackPage(ctx, vendorID, given)
		return GiveFeedback400TexthtmlResponse{Body: page, ContentLength: length}, err
	}
	if err != nil {
		return nil, err
	}
	page, length, err := s.feedbackPage(ctx, vendorID, feedbackView{Done: true})
	return GiveFeedback200TexthtmlResponse{Body: page, ContentLength: length}, err
}

// failureView is what is shown where a page cannot be.
type failureView struct {
	vendorpage.Page

	Title, Text string
}

// failsAsPage answers a browser that has opened the link in an e-mail with a page instead of a problem document: the same one
// whatever is wrong with the link.
func (s *server) failsAsPage(w http.ResponseWriter, r *http.Request, status int) bool {
	switch callOf(r.Context()).route {
	case "/guide/{token}", "/unsubscribe/{token}", "/feedback/{token}":
	default:
		return false
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return false
	}
	page, title := vendorpage.New(s.Look(), ""), "badLink"
	if status == http.StatusTooManyRequests || status >= http.StatusInternalServerError {
		title = "later"
	}
	body, err := render(vendorPages.Lookup("failure"), failureView{page, page.Say[title], page.Say[title+"Text"]})
	if err != nil {
		s.log.Error("making a page", zap.Error(err))
		return false
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.log.Debug("answer not taken", zap.Error(err))
	}
	return true
}
