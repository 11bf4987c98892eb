package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/internal/platform/httpserver"
)

// certified writes a certificate of that number and its key, as made at a moment.
func certified(t *testing.T, folder string, number int64, made time.Time) (certFile, keyFile string) {
	t.Helper()
	return certifiedUntil(t, folder, number, made, time.Now().Add(time.Hour))
}

func certifiedUntil(t *testing.T, folder string, number int64, made, until time.Time) (certFile, keyFile string) {
	t.Helper()
	return certifiedFor(t, folder, number, made, time.Time{}, until)
}

func certifiedFor(t *testing.T, folder string, number int64, made, from, until time.Time) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(number), DNSNames: []string{"trials.example.com"}, NotBefore: from, NotAfter: until}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile, keyFile = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
		require.NoError(t, os.Chtimes(file, made, made))
	}
	return certFile, keyFile
}

// With a certificate the API speaks TLS and nothing else, says of itself that it
// lives, and shows a renewed certificate without being stopped.
func TestTheAPISpeaksTLS(t *testing.T) {
	t.Parallel()
	folder, began := t.TempDir(), time.Now().Add(-time.Hour)
	certFile, keyFile := certified(t, folder, 1, began)
	shown, err := newCertificate(certFile, keyFile, zap.NewNop(), time.Now)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	answers := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	s, err := listen(ctx, "127.0.0.1:0", shown, answers, zap.NewNop())
	require.NoError(t, err)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(ctx, stopTimeout) }()
	address := strings.TrimPrefix(s.URL(), "https://")
	require.NotEqual(t, s.URL(), address)

	number := func() int64 {
		t.Helper()
		connection, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		defer connection.Close()
		secured, ok := connection.(*tls.Conn)
		require.True(t, ok)
		return secured.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	require.EqualValues(t, 1, number())
	require.NoError(t, httpserver.AskHealth(t.Context(), address, true))
	require.Error(t, httpserver.AskHealth(t.Context(), address, false))
	_, err = (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}}).DialContext(t.Context(), "tcp", address)
	require.Error(t, err, "TLS 1.1 is too old")

	certified(t, folder, 2, began.Add(time.Minute))
	require.EqualValues(t, 2, number(), "it was renewed")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "tls.key"), []byte("half a key"), 0o600))
	require.EqualValues(t, 2, number(), "one that cannot be read changes nothing")
	require.NoError(t, os.Remove(filepath.Join(folder, "tls.crt")))
	require.EqualValues(t, 2, number())

	stop()
	require.NoError(t, <-stopped)
}

// The settings reach the port: the API says so, and its health check asks that way.
func TestTheAPIIsGivenItsCertificate(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", nobody(t))
	cfg := settings(t)
	cfg.TLSCertFile, cfg.TLSKeyFile = certified(t, t.TempDir(), 1, time.Now())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p, err := assemble(ctx, cfg, zap.NewNop())
	require.NoError(t, err)
	require.Equal(t, p.certificate.current(), p.base.Sampler.Certificate(), "the alert hears of it")
	p.close(ctx)
	said, out := io.Pipe()
	stopped := make(chan error, 1)
	go func() { stopped <- run(ctx, cfg, zap.NewNop(), out) }()
	var ready struct{ API string }
	require.NoError(t, json.NewDecoder(said).Decode(&ready))
	address, overTLS := strings.CutPrefix(ready.API, "https://")
	require.True(t, overTLS, ready.API)
	require.NoError(t, httpserver.AskHealth(t.Context(), address, true))
	stop()
	require.NoError(t, <-stopped)
}

// Whoever copies files may keep their times, or set them back: the contents decide.
func TestACertificateIsRenewedByItsContents(t *testing.T) {
	t.Parallel()
	folder, made, now := t.TempDir(), time.Now().Add(-time.Hour), time.Now()
	logged, logs := observer.New(zapcore.InfoLevel)
	certFile, keyFile := certifiedUntil(t, folder, 1, made, now.Add(24*time.Hour))
	shown, err := newCertificate(certFile, keyFile, zap.New(logged), func() time.Time { return now })
	require.NoError(t, err)
	number := func() int64 {
		t.Helper()
		pair, err := shown.get(nil)
		require.NoError(t, err)
		return pair.Leaf.SerialNumber.Int64()
	}
	certifiedUntil(t, folder, 2, made, now.Add(48*time.Hour))
	require.EqualValues(t, 2, number(), "with the same time")
	certifiedUntil(t, folder, 3, made.Add(-time.Hour), now.Add(72*time.Hour))
	require.EqualValues(t, 3, number(), "with an older time")
	require.Len(t, logs.FilterMessage("certificate renewed").All(), 2)
	require.WithinDuration(t, now.Add(72*time.Hour), shown.validity().Until, time.Second)
	certifiedUntil(t, folder, 4, made, now.Add(-time.Hour))
	require.EqualValues(t, 3, number(), "one that has expired takes no better one's place")
	require.EqualValues(t, 3, number(), "nor at the next connection")
	certifiedFor(t, folder, 5, made, now.Add(time.Hour), now.Add(96*time.Hour))
	require.EqualValues(t, 3, number(), "nor does one that is not good yet")
	require.EqualValues(t, 3, number())
	require.Len(t, logs.FilterMessage("the certificate is not read again").All(), 2, "each is said once")
	now = now.Add(2 * time.Hour)
	require.EqualValues(t, 5, number(), "its time has come")
}

func TestAnExpiredCertificateIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for left, level := range map[time.Duration]zapcore.Level{-time.Hour: zapcore.ErrorLevel, time.Hour: zapcore.WarnLevel, 100 * 24 * time.Hour: zapcore.InfoLevel} {
		logged, logs := observer.New(zapcore.InfoLevel)
		certFile, keyFile := certifiedUntil(t, t.TempDir(), 1, now, now.Add(left))
		_, err := newCertificate(certFile, keyFile, zap.New(logged), func() time.Time { return now })
		require.NoError(t, err)
		require.Equal(t, level, logs.FilterMessage("certificate read").All()[0].Level)
	}
}
