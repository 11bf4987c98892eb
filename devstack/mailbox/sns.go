package mailbox

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// subscriptionRequest is the body of POST /sns/subscriptions.
type subscriptionRequest struct {
	Endpoint         string `json:"endpoint"`
	SignatureVersion string `json:"signatureVersion"` // "1" (the default) or "2"
	// ConfigurationSet selects the mails whose events to send; empty for all.
	ConfigurationSet string `json:"configurationSet"`
}

// subscriptionView is a subscription as callers see it.
type subscriptionView struct {
	ID               string `json:"id"`
	SubscriptionARN  string `json:"subscriptionArn"`
	TopicARN         string `json:"topicArn"`
	Endpoint         string `json:"endpoint"`
	SignatureVersion string `json:"signatureVersion"`
	ConfigurationSet string `json:"configurationSet,omitempty"`
	Confirmed        bool   `json:"confirmed"`
}

func (m *Mailbox) view(s subscription) subscriptionView {
	return subscriptionView{
		ID: s.ID, SubscriptionARN: m.topic.subscriptionARN(s.ID), TopicARN: m.topic.arn,
		Endpoint: s.Endpoint, SignatureVersion: s.SignatureVersion, ConfigurationSet: s.ConfigurationSet, Confirmed: s.Confirmed,
	}
}

// subscribe sends a SubscriptionConfirmation to an endpoint. Notifications
// follow after a visit to its SubscribeURL.
func (m *Mailbox) subscribe(w http.ResponseWriter, r *http.Request) {
	var request subscriptionRequest
	if !readJSON(w, r, &request) {
		return
	}
	if request.SignatureVersion == "" {
		request.SignatureVersion = "1"
	}
	endpoint, err := url.Parse(request.Endpoint)
	switch {
	case err != nil || endpoint.Host == "" || (endpoint.Scheme != "http" && endpoint.Scheme != "https"):
		http.Error(w, fmt.Sprintf("endpoint: %q is no http or https URL", request.Endpoint), http.StatusBadRequest)
		return
	case request.SignatureVersion != "1" && request.SignatureVersion != "2":
		http.Error(w, fmt.Sprintf("signatureVersion: %q is neither 1 nor 2", request.SignatureVersion), http.StatusBadRequest)
		return
	}
	s, err := m.topic.subscribe(request)
	if err != nil {
		m.fail(w, "a subscription could not be stored", err)
		return
	}
	writeJSON(w, http.StatusCreated, m.view(s))
}

func (m *Mailbox) listSubscriptions(w http.ResponseWriter, _ *http.Request) {
	views := []subscriptionView{}
	for _, s := range m.topic.list() {
		views = append(views, m.view(s))
	}
	writeJSON(w, http.StatusOK, views)
}

func (m *Mailbox) deleteSubscription(w http.ResponseWriter, r *http.Request) {
	if err := m.topic.unsubscribe(r.PathValue("id")); err != nil {
		m.fail(w, "a subscription was not ended", err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// signingCertificate serves the certificate at SigningCertURL.
func (m *Mailbox) signingCertificate(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/x-pem-file")
	_, _ = w.Write(m.topic.signer.certificate)
}

// snsAction serves the links in SNS messages.
func (m *Mailbox) snsAction(w http.ResponseWriter, r *http.Request) {
	parameters := r.URL.Query()
	switch action := parameters.Get("Action"); action {
	case "ConfirmSubscription":
		m.confirm(w, parameters)
	case "Unsubscribe":
		id, _ := strings.CutPrefix(parameters.Get("SubscriptionArn"), m.topic.arn+":")
		if err := m.topic.unsubscribe(id); err != nil {
			m.fail(w, "a subscription was not ended", err)
			return
		}
		writeXML(w, http.StatusOK, struct {
			XMLName xml.Name `xml:"https://sns.amazonaws.com/doc/2010-03-31/ UnsubscribeResponse"`
		}{})
	default:
		writeSNSError(w, http.StatusBadRequest, "InvalidAction", fmt.Sprintf("the mailbox does not know the action %q", action))
	}
}

func (m *Mailbox) confirm(w http.ResponseWriter, parameters url.Values) {
	if arn := parameters.Get("TopicArn"); arn != m.topic.arn {
		writeSNSError(w, http.StatusNotFound, "NotFound", "Topic does not exist")
		return
	}
	s, err := m.topic.confirm(parameters.Get("Token"))
	switch {
	case err != nil:
		m.fail(w, "a subscription was not confirmed", err)
	case s == nil:
		writeSNSError(w, http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Token")
	default:
		writeXML(w, http.StatusOK, struct {
			XMLName xml.Name `xml:"https://sns.amazonaws.com/doc/2010-03-31/ ConfirmSubscriptionResponse"`
			ARN     string   `xml:"ConfirmSubscriptionResult>SubscriptionArn"`
			Request string   `xml:"ResponseMetadata>RequestId"`
		}{ARN: m.topic.subscriptionARN(s.ID), Request: uuid.NewString()})
	}
}

func writeSNSError(w http.ResponseWriter, status int, code, message string) {
	writeXML(w, status, struct {
		XMLName xml.Name `xml:"https://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
		Type    string   `xml:"Error>Type"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
	}{Type: "Sender", Code: code, Message: message})
}

func writeXML(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(body) // the client may have gone
}

// query encodes pairs of names and values as a URL's query.
func query(pairs ...string) string {
	values := make(url.Values)
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}
