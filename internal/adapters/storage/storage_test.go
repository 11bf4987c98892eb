package storage

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/platform/config"
)

// bucketServer answers the calls of S3 that are made here, as its API reference says.
type bucketServer struct {
	mu      sync.Mutex
	objects map[string][]byte
	parts   map[string][]byte
}

func (s *bucketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	key, inBucket := strings.CutPrefix(r.URL.Path, "/vault/")
	query := r.URL.Query()
	switch {
	case !inBucket && r.Method != http.MethodGet:
		http.Error(w, "not path style", http.StatusBadRequest)
	case r.Method == http.MethodPost && query.Has("uploads"):
		answer(w, struct {
			XMLName  xml.Name `xml:"InitiateMultipartUploadResult"`
			UploadID string   `xml:"UploadId"`
		}{UploadID: "u1"})
	case r.Method == http.MethodPut && query.Has("partNumber"):
		s.parts[query.Get("partNumber")] = body
		w.Header().Set("ETag", `"`+query.Get("partNumber")+`"`)
	case r.Method == http.MethodPost:
		var whole []byte
		for n := 1; s.parts[strconv.Itoa(n)] != nil; n++ {
			whole = append(whole, s.parts[strconv.Itoa(n)]...)
		}
		s.objects[key] = whole
		answer(w, struct {
			XMLName xml.Name `xml:"CompleteMultipartUploadResult"`
		}{})
	case r.Method == http.MethodPut:
		s.objects[key] = body
	case r.Method == http.MethodDelete:
		delete(s.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case key == "" || !inBucket:
		s.list(w, query.Get("prefix"), query.Get("continuation-token"))
	case s.objects[key] == nil:
		w.WriteHeader(http.StatusNotFound)
		answer(w, struct {
			XMLName xml.Name `xml:"Error"`
			Code    string
		}{Code: "NoSuchKey"})
	default:
		_, _ = w.Write(s.objects[key])
	}
}

// list answers with one object a page: the API's own pages have a thousand.
func (s *bucketServer) list(w http.ResponseWriter, prefix, after string) {
	type object struct {
		Key  string
		Size int
	}
	page := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Contents              []object
		IsTruncated           bool
		NextContinuationToken string
	}{}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || strings.Contains(rest, "/") || key <= after {
			continue
		}
		if len(page.Contents) > 0 {
			page.IsTruncated, page.NextContinuationToken = true, page.Contents[0].Key
			break
		}
		page.Contents = append(page.Contents, object{key, len(s.objects[key])})
	}
	answer(w, page)
}

func answer(w http.ResponseWriter, v any) {
	document, err := xml.Marshal(v)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write(document)
}

func newBucket(t *testing.T) (backup.Storage, *bucketServer) {
	t.Helper()
	fake := &bucketServer{objects: map[string][]byte{}, parts: map[string][]byte{}}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_PROFILE", "") // whoever runs the tests may have one
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	v, err := Open(t.Context(), config.Config{BackupS3Bucket: "vault", BackupS3Prefix: "trials/"}, time.Now)
	require.NoError(t, err)
	return v.Storage, fake
}

//nolint:paralleltest // sets the environment
func TestPlaces(t *testing.T) {
	bucket, _ := newBucket(t)
	for name, place := range map[string]backup.Storage{"bucket": bucket, "folder": Folder(filepath.Join(t.TempDir(), "new"))} {
		t.Run(name, func(t *testing.T) {
			files, err := place.List(t.Context())
			require.NoError(t, err)
			require.Empty(t, files)
			_, err = place.Get(t.Context(), "a")
			require.ErrorIs(t, err, fs.ErrNotExist)

			require.NoError(t, place.Put(t.Context(), "a", strings.NewReader("small")))
			// Of unknown length, and more than goes at once.
			large := bytes.Repeat([]byte("large"), 5<<20)
			require.NoError(t, place.Put(t.Context(), "b", io.MultiReader(bytes.NewReader(large))))
			require.Error(t, place.Put(t.Context(), "c", io.MultiReader(bytes.NewReader(large), iotest.ErrReader(errors.New("broken")))))

			files, err = place.List(t.Context())
			require.NoError(t, err)
			require.Equal(t, map[string]int64{"a": 5, "b": int64(len(large))}, files)
			file, err := place.Get(t.Context(), "b")
			require.NoError(t, err)
			got, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.True(t, bytes.Equal(large, got))

			require.NoError(t, place.Delete(t.Context(), "a"))
			require.NoError(t, place.Delete(t.Context(), "a"))
			files, err = place.List(t.Context())
			require.NoError(t, err)
			require.Len(t, files, 1)
		})
	}
}

// What a killed process left goes with the next day's backup, what is being written does not.
func TestAFolderIsTidied(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	left, written := filepath.Join(folder, unfinished+"1"), filepath.Join(folder, unfinished+"2")
	for _, name := range []string{left, written} {
		require.NoError(t, os.WriteFile(name, []byte("half"), 0o600))
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(left, yesterday, yesterday))
	require.NoError(t, Folder(folder).Put(t.Context(), "a", strings.NewReader("small")))
	require.NoFileExists(t, left)
	require.FileExists(t, written)
}

//nolint:paralleltest // sets the environment
func TestABucketsKeysHaveThePrefix(t *testing.T) {
	place, fake := newBucket(t)
	fake.objects["other/z"] = []byte("z")
	require.NoError(t, place.Put(t.Context(), "a", strings.NewReader("small")))
	require.Contains(t, fake.objects, "trials/a")
	files, err := place.List(t.Context())
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.Equal(t, "s3://vault/trials/", place.String())
}

func TestOpen(t *testing.T) {
	t.Parallel()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("# a key\n"+key.String()+"\n"), 0o600))
	v, err := Open(t.Context(), config.Config{BackupDir: "d", BackupAgeRecipient: key.Recipient().String(), BackupAgeIdentityFile: file}, time.Now)
	require.NoError(t, err)
	require.NotNil(t, v.Recipient)
	require.Len(t, v.Identities, 1)

	for want, s := range map[string]config.Config{
		"BACKUP_DIR or":            {},
		"are both set":             {BackupDir: "d", BackupS3Bucket: "b"},
		"BACKUP_AGE_RECIPIENT":     {BackupDir: "d", BackupAgeRecipient: "age1x"},
		"BACKUP_AGE_IDENTITY_FILE": {BackupDir: "d", BackupAgeIdentityFile: file + "x"},
	} {
		_, err := Open(t.Context(), s, time.Now)
		require.ErrorContains(t, err, want)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n# no key yet\n"), 0o600))
	v, err = Open(t.Context(), config.Config{BackupDir: "d", BackupAgeIdentityFile: empty}, time.Now)
	require.NoError(t, err)
	require.Empty(t, v.Identities)
	secret := filepath.Join(t.TempDir(), "wrong")
	require.NoError(t, os.WriteFile(secret, []byte("AGE-SECRET-KEY-1WRONG"), 0o600))
	_, err = Open(t.Context(), config.Config{BackupDir: "d", BackupAgeIdentityFile: secret}, time.Now)
	require.ErrorContains(t, err, "holds no key")
	require.NotContains(t, err.Error(), "WRONG")
}
