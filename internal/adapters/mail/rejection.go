package mail

import (
	"errors"
	"fmt"
)

// Codes of a [Rejection].
const (
	CodeTooLarge               = "too-large"               // beyond MaxNotification
	CodeMalformed              = "malformed"               // not an SNS message, or a field of it is unreadable
	CodeUnknownType            = "unknown-type"            // an SNS message of a type that SNS does not have
	CodeWrongTopic             = "wrong-topic"             // of another topic than the configured one
	CodeTooOld                 = "too-old"                 // made too long ago
	CodeFromTheFuture          = "from-the-future"         // made later than now
	CodeBadCertificateURL      = "bad-certificate-url"     // the certificate is not where SNS keeps them
	CodeCertificateUnavailable = "certificate-unavailable" // the certificate could not be had; passing
	CodeBadCertificate         = "bad-certificate"         // what was had is no valid certificate of an RSA key
	CodeUnknownSignature       = "unknown-signature"       // neither signature version 1 nor 2
	CodeBadSignature           = "bad-signature"           // not signed by the certificate's key
	CodeNotVerified            = "not-verified"            // Confirm was called before Verify
	CodeNotAConfirmation       = "not-a-confirmation"      // of a type that has nothing to confirm
	CodeBadSubscribeURL        = "bad-subscribe-url"       // confirming would call something else than SNS
	CodeConfirmationFailed     = "confirmation-failed"     // SNS did not confirm; passing
)

// Codes are the codes of a [Rejection], all of them.
func Codes() []string {
	return []string{
		CodeTooLarge, CodeMalformed, CodeUnknownType, CodeWrongTopic, CodeTooOld, CodeFromTheFuture, CodeBadCertificateURL,
		CodeCertificateUnavailable, CodeBadCertificate, CodeUnknownSignature, CodeBadSignature, CodeNotVerified, CodeNotAConfirmation,
		CodeBadSubscribeURL, CodeConfirmationFailed,
	}
}

// Rejection is the error of an SNS message that is not to be believed or could
// not be checked.
type Rejection struct {
	// Code is one of the Code constants.
	Code string
	err  error
}

// Error says what was wrong; it never quotes the message's content.
func (r *Rejection) Error() string {
	if r.err == nil {
		return "SNS message rejected: " + r.Code
	}
	return fmt.Sprintf("SNS message rejected: %s: %v", r.Code, r.err)
}

// Unwrap returns the cause, or nil.
func (r *Rejection) Unwrap() error { return r.err }

// Passing tells whether the same message may be accepted later, so that SNS
// should be asked to deliver it again.
func (r *Rejection) Passing() bool {
	return r.Code == CodeCertificateUnavailable || r.Code == CodeConfirmationFailed
}

func reject(code string, err error) error { return &Rejection{Code: code, err: err} }

// CodeOf returns the code of the Rejection in err, or "".
func CodeOf(err error) string {
	if r, ok := errors.AsType[*Rejection](err); ok {
		return r.Code
	}
	return ""
}
