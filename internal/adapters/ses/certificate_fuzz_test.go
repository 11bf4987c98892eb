package ses

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever a host serves as its certificate, it is one with an RSA key, or refused.
func FuzzCertificate(f *testing.F) {
	good := certificatePEM(f, now.Add(-time.Hour), now.Add(time.Hour), signingKey())
	for _, body := range [][]byte{good, good[:len(good)/2], nil, []byte("-----BEGIN CERTIFICATE-----\n\n-----END CERTIFICATE-----\n"), []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		cert, err := parseCertificate(body)
		if err != nil {
			require.Equal(t, CodeBadCertificate, CodeOf(err))
			return
		}
		require.NotNil(t, cert.key)
	})
}
