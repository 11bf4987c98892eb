package dashboard

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
)

// newSeal is a cipher whose key derives from a secret, for one purpose.
func newSeal(secret, purpose string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "trials dashboard "+purpose, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

var errSealed = errors.New("it was not sealed by this key")

// seal encrypts a text so that nobody can read or change it.
func seal(by cipher.AEAD, text []byte) []byte { return by.Seal(nil, nil, text, nil) } //nolint:gosec // G407: this cipher draws its nonce itself

// unseal is what was sealed; an error says that it was not, or is changed.
func unseal(by cipher.AEAD, sealed []byte) ([]byte, error) {
	text, err := by.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, errSealed
	}
	return text, nil
}
