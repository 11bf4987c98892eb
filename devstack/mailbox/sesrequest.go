package mailbox

import (
	"net/mail"
	"regexp"
	"strings"
)

// Limits documented by SES.
const (
	maxRecipients   = 50
	maxTags         = 50
	maxHeaders      = 15
	maxHeaderName   = 126
	maxHeaderValue  = 995
	maxHeaderLine   = 996
	maxMessageBytes = 40 << 20
)

var (
	tagCharset  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	headerName  = regexp.MustCompile(`^[!-9;-~]+$`)
	headerValue = regexp.MustCompile(`^[ -~]*$`)
)

// sendRequest is the body of SendEmail.
type sendRequest struct {
	FromEmailAddress     string
	Destination          destination
	ReplyToAddresses     []string
	Content              content
	EmailTags            []nameValue
	ConfigurationSetName string
}

type destination struct {
	ToAddresses, CcAddresses, BccAddresses []string
}

func (d destination) all() []string {
	all := make([]string, 0, len(d.ToAddresses)+len(d.CcAddresses)+len(d.BccAddresses))
	all = append(all, d.ToAddresses...)
	all = append(all, d.CcAddresses...)
	return append(all, d.BccAddresses...)
}

type content struct {
	Simple   *simpleContent
	Raw      *rawContent
	Template *struct{}
}

type simpleContent struct {
	Subject text
	Body    struct {
		Text *text
		HTML *text `json:"Html"`
	}
	Headers []nameValue
}

type rawContent struct {
	Data []byte
}

type text struct {
	Data string
}

type nameValue struct {
	Name, Value string
}

// validate checks a request as SES does.
func (r *sendRequest) validate() *apiError {
	if err := r.Content.validate(); err != nil {
		return err
	}
	if err := r.validateAddresses(); err != nil {
		return err
	}
	return r.validateTags()
}

func (r *sendRequest) validateAddresses() *apiError {
	if r.FromEmailAddress == "" && r.Content.Raw == nil {
		return badRequest("FromEmailAddress is missing")
	}
	if r.FromEmailAddress != "" {
		if _, err := mail.ParseAddress(r.FromEmailAddress); err != nil {
			return badRequest("FromEmailAddress is not an address: %v", err)
		}
	}
	recipients := r.Destination.all()
	if len(recipients) == 0 && r.Content.Raw == nil {
		return badRequest("Destination has no recipients")
	}
	if len(recipients) > maxRecipients {
		return &apiError{400, "MessageRejected", "Recipient count exceeds 50."}
	}
	for _, address := range append(recipients, r.ReplyToAddresses...) {
		if _, err := mail.ParseAddress(address); err != nil {
			return badRequest("not an address: %v", err)
		}
	}
	return nil
}

func (r *sendRequest) validateTags() *apiError {
	if len(r.EmailTags) > maxTags {
		return badRequest("EmailTags: %d are more than %d", len(r.EmailTags), maxTags)
	}
	seen := make(map[string]bool, len(r.EmailTags))
	for _, tag := range r.EmailTags {
		if !tagCharset.MatchString(tag.Name) {
			return badRequest("EmailTags: the name %q is not 1 to 256 of A-Z a-z 0-9 _ -", tag.Name)
		}
		if !tagCharset.MatchString(tag.Value) {
			return badRequest("EmailTags: the value %q of %s is not 1 to 256 of A-Z a-z 0-9 _ -", tag.Value, tag.Name)
		}
		if seen[tag.Name] {
			return badRequest("EmailTags: the name %q is given twice", tag.Name)
		}
		seen[tag.Name] = true
	}
	return nil
}

func (c *content) validate() *apiError {
	switch {
	case c.Template != nil:
		return badRequest("Content.Template: the mailbox keeps no templates")
	case c.Simple != nil && c.Raw != nil:
		return badRequest("Content has both Simple and Raw")
	case c.Raw != nil:
		return sizeLimit(len(c.Raw.Data))
	case c.Simple != nil:
		return c.Simple.validate()
	default:
		return badRequest("Content has neither Simple nor Raw")
	}
}

func (s *simpleContent) validate() *apiError {
	size := len(s.Subject.Data)
	if s.Body.Text == nil && s.Body.HTML == nil {
		return badRequest("Content.Simple.Body has neither Text nor Html")
	}
	for _, body := range []*text{s.Body.Text, s.Body.HTML} {
		if body != nil {
			size += len(body.Data)
		}
	}
	if len(s.Headers) > maxHeaders {
		return badRequest("Content.Simple.Headers: %d are more than %d", len(s.Headers), maxHeaders)
	}
	for _, h := range s.Headers {
		if err := h.validateHeader(); err != nil {
			return err
		}
		size += len(h.Name) + len(h.Value)
	}
	return sizeLimit(size)
}

func (h nameValue) validateHeader() *apiError {
	switch {
	case len(h.Name) > maxHeaderName || !headerName.MatchString(h.Name):
		return badRequest("Content.Simple.Headers: %q is no header's name", h.Name)
	case len(h.Value) > maxHeaderValue || !headerValue.MatchString(h.Value):
		return badRequest("Content.Simple.Headers: the value of %s is too long or not printable ASCII", h.Name)
	case len(h.Name)+len(h.Value) > maxHeaderLine:
		return badRequest("Content.Simple.Headers: %s is too long", h.Name)
	case ownHeaders[strings.ToLower(h.Name)]:
		return badRequest("Content.Simple.Headers: %s is set by the request's other fields", h.Name)
	}
	return nil
}

// ownHeaders are those that SES sets itself.
var ownHeaders = map[string]bool{
	"from": true, "to": true, "cc": true, "bcc": true, "subject": true, "reply-to": true, "date": true,
	"message-id": true, "mime-version": true, "content-type": true, "return-path": true, "sender": true,
}

func sizeLimit(size int) *apiError {
	if size > maxMessageBytes {
		return badRequest("the message's %d bytes are more than %d", size, maxMessageBytes)
	}
	return nil
}
