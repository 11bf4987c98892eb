package mailbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// signer signs messages as SNS does, with a certificate of its own.
type signer struct {
	key         *rsa.PrivateKey
	certificate []byte // PEM
	path        string // where the certificate is served
}

// keyBits is half of what SNS uses. The key protects nothing here, and a signature
// takes a fifth of the time; every mail takes two.
const keyBits = 1024

func newSigner() (*signer, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make a key for SNS messages: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: "sns.amazonaws.com"},
		DNSNames:     []string{"sns.amazonaws.com"},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.AddDate(1, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for SNS messages: %w", err)
	}
	hash := sha256.Sum256(der)
	return &signer{
		key:         key,
		certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		path:        "/SimpleNotificationService-" + hex.EncodeToString(hash[:16]) + ".pem",
	}, nil
}

// sign fills in the signature of m, by the version that m names.
func (s *signer) sign(m *snsMessage) error {
	var signature []byte
	var err error
	text := []byte(m.canonical())
	if m.SignatureVersion == "2" {
		digest := sha256.Sum256(text)
		signature, err = rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
	} else {
		digest := sha1.Sum(text)
		signature, err = rsa.SignPKCS1v15(nil, s.key, crypto.SHA1, digest[:])
	}
	if err != nil {
		return fmt.Errorf("sign an SNS message: %w", err)
	}
	m.Signature = base64.StdEncoding.EncodeToString(signature)
	return nil
}

// snsMessage is a message that SNS posts to a subscriber.
type snsMessage struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string `json:",omitempty"`
	TopicARN         string `json:"TopicArn"`
	Subject          string `json:",omitempty"`
	Message          string
	SubscribeURL     string `json:",omitempty"`
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
	UnsubscribeURL   string `json:",omitempty"`
}

// canonical is the signed text: the names and values of
// the message's fields in the order that SNS prescribes for its type.
func (m *snsMessage) canonical() string {
	fields := [][2]string{{"Message", m.Message}, {"MessageId", m.MessageID}}
	if m.Type == typeNotification {
		if m.Subject != "" {
			fields = append(fields, [2]string{"Subject", m.Subject})
		}
		fields = append(fields, [2]string{"Timestamp", m.Timestamp})
	} else {
		fields = append(fields, [2]string{"SubscribeURL", m.SubscribeURL},
			[2]string{"Timestamp", m.Timestamp}, [2]string{"Token", m.Token})
	}
	fields = append(fields, [2]string{"TopicArn", m.TopicARN}, [2]string{"Type", m.Type})

	var text strings.Builder
	for _, field := range fields {
		text.WriteString(field[0] + "\n" + field[1] + "\n")
	}
	return text.String()
}
