package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

// certificate makes files with a certificate and its key.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"trials.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	folder := t.TempDir()
	file := func(name, kind string, content []byte) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600))
		return path
	}
	return file("tls.crt", "CERTIFICATE", cert), file("tls.key", "PRIVATE KEY", secret)
}

func TestACertificateNeedsItsKey(t *testing.T) {
	t.Parallel()
	certFile, keyFile := certificate(t)
	_, otherKey := certificate(t)
	parse := func(cert, key string) (config.Config, error) {
		return config.Parse(with(with(complete(), "TLS_CERT_FILE", cert), "TLS_KEY_FILE", key), config.API)
	}
	got, err := parse(certFile, keyFile)
	require.NoError(t, err)
	require.Equal(t, certFile, got.TLSCertFile)
	require.Equal(t, keyFile, got.TLSKeyFile)

	_, err = parse(certFile, "")
	require.ErrorContains(t, err, "TLS_CERT_FILE: a certificate needs its key")
	_, err = parse("", keyFile)
	require.ErrorContains(t, err, "TLS_KEY_FILE: a certificate needs its key")
	_, err = parse(certFile, otherKey)
	require.ErrorContains(t, err, "does not match")
	_, err = parse(certFile, certFile)
	require.ErrorContains(t, err, "TLS_KEY_FILE: ")
	_, err = parse("nothing.crt", keyFile)
	require.ErrorContains(t, err, "no such file")
}
