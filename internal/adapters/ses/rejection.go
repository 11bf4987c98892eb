package ses

import (
	"errors"
	"fmt"
)

// Codes of a [Rejection].
const (
	CodeTooLarge               = "too-large"               // larger than MaxNotification
	CodeMalformed              = "malformed"               // not an SNS message, or a field of it is unreadable
	CodeUnknownType            = "unknown-type"            // an SNS message of an unknown type
	CodeWrongTopic             = "wrong-topic"             // from another topic than the configured one
	CodeTooOld                 = "too-old"                 // made too long ago
	CodeFromTheFuture          = "from-the-future"         // made later than now
	CodeBadCertificateURL      = "bad-certificate-url"     // the certificate's URL is not one of SNS's
	CodeCertificateUnavailable = "certificate-unavailable" // the certificate could not be fetched; temporary
	CodeBadCertificate         = "bad-certificate"         // the fetched file is no valid certificate of an RSA key
	CodeUnknownSignature       = "unknown-signature"       // neither signature version 1 nor 2
	CodeBadSignature           = "bad-signature"           // not signed by the certificate's key
	CodeNotVerified            = "not-verified"            // Confirm was called before Verify
	CodeNotAConfirmation       = "not-a-confirmation"      // of a type without anything to confirm
	CodeBadSubscribeURL        = "bad-subscribe-url"       // the confirmation would call something other than SNS
	CodeConfirmationFailed     = "confirmation-failed"     // SNS did not confirm; temporary
)

// Codes returns all codes of a [Rejection].
func Codes() []string {
	return []string{
		CodeTooLarge, CodeMalformed, CodeUnknownType, CodeWrongTopic, CodeTooOld, CodeFromTheFuture, CodeBadCertificateURL,
		CodeCertificateUnavailable, CodeBadCertificate, CodeUnknownSignature, CodeBadSignature, CodeNotVerified, CodeNotAConfirmation,
		CodeBadSubscribeURL, CodeConfirmationFailed,
	}
}

// Rejection is the error of an SNS message that is not genuine or could
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

// Passing reports whether the same message may be accepted later, so that SNS
// should deliver it again.
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
