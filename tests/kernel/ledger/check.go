// Checks a log of ours with Go's own sumdb/note and sumdb/tlog, whose authors thought tiles up.
//
//	check ED25519-VKEY ML-DSA-44-VKEY FOLDER <PROOFS
//
// FOLDER holds `checkpoint` and `tile/`. Opens the checkpoint under both keys, reads every entry and its hash through
// the tiles, and checks proofs that Go makes from the tiles and those of ours on standard input: "record INDEX PROOF"
// and "tree OLD ROOT PROOF", the hashes in base64 joined by commas, "-" for none.
package main

import (
	"bufio"
	"bytes"
	"crypto/mldsa"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// tiles reads C2SP tiles: like Go's, without the height in the path.
type tiles struct{ folder string }

func (t tiles) Height() int { return height }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, one := range wanted {
		data, err := t.read(strings.TrimPrefix(one.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (t tiles) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(t.folder, "tile", path))
}

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// entries reads one bundle: a length in two bytes before each entry.
func (t tiles) entries(bundle int64, width int) ([][]byte, error) {
	path := strings.TrimPrefix(tlog.Tile{H: height, L: -1, N: bundle, W: width}.Path(), "tile/8/data/")
	data, err := t.read("entries/" + path)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(data[0])<<8|int(data[1]) {
			return nil, fmt.Errorf("bundle %d is cut", bundle)
		}
		size := int(data[0])<<8 | int(data[1])
		found = append(found, data[2:2+size])
		data = data[2+size:]
	}
	if len(found) != width {
		return nil, fmt.Errorf("bundle %d has %d entries of %d", bundle, len(found), width)
	}
	return found, nil
}

// quantum verifies an ML-DSA-44 cosignature (c2sp.org/tlog-cosignature, type 6) by Go's crypto/mldsa.
type quantum struct {
	name string
	hash uint32
	key  *mldsa.PublicKey
}

func newQuantum(vkey string) quantum {
	parts := strings.SplitN(vkey, "+", 3)
	raw := must(base64.StdEncoding.DecodeString(parts[2]))
	if raw[0] != 6 {
		log.Fatalf("key type %d", raw[0])
	}
	hash := must(strconv.ParseUint(parts[1], 16, 32))
	return quantum{parts[0], uint32(hash), must(mldsa.NewPublicKey(mldsa.MLDSA44(), raw[1:]))}
}

func (q quantum) Name() string    { return q.name }
func (q quantum) KeyHash() uint32 { return q.hash }

func (q quantum) Verify(text, signature []byte) bool {
	if len(signature) < 8 {
		return false
	}
	tree := parse(string(text), q.name)
	var message bytes.Buffer
	message.WriteString("subtree/v1\n\x00")
	message.WriteByte(byte(len(q.name)))
	message.WriteString(q.name)
	message.Write(signature[:8])
	message.WriteByte(byte(len(q.name)))
	message.WriteString(q.name)
	binary.Write(&message, binary.BigEndian, []int64{0, tree.N})
	message.Write(tree.Hash[:])
	return mldsa.Verify(q.key, message.Bytes(), signature[8:], nil) == nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	log.SetFlags(0)
	folder := os.Args[3]
	verifier := must(note.NewVerifier(os.Args[1]))
	known := note.VerifierList(verifier, newQuantum(os.Args[2]))
	opened := must(note.Open(must(os.ReadFile(filepath.Join(folder, "checkpoint"))), known))
	if len(opened.Sigs) != 2 {
		log.Fatalf("%d of the log's two keys signed", len(opened.Sigs))
	}
	tree := parse(opened.Text, verifier.Name())
	reader := tiles{folder}
	hashes := tlog.TileHashReader(tree, reader)
	if root := must(tlog.TreeHash(tree.N, hashes)); root != tree.Hash {
		log.Fatalf("the tiles lead to %v, the checkpoint says %v", root, tree.Hash)
	}
	leaves := everyEntry(tree, reader, hashes)
	proofs := 0
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		checkLine(strings.Fields(lines.Text()), tree, leaves)
		proofs++
	}
	for _, index := range []int64{0, 255, 256, tree.N / 2, tree.N - 1} {
		proof := must(tlog.ProveRecord(tree.N, index, hashes))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[index]); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%d entries, %d proofs\n", len(leaves), proofs)
}

func parse(text, origin string) tlog.Tree {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		log.Fatalf("a checkpoint of %q", lines[0])
	}
	return tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64)), Hash: must(tlog.ParseHash(lines[2]))}
}

// everyEntry checks each entry against its leaf in the tiles and gives the leaves.
func everyEntry(tree tlog.Tree, reader tiles, hashes tlog.HashReader) []tlog.Hash {
	var leaves []tlog.Hash
	for start := int64(0); start < tree.N; start += 256 {
		width := min(256, tree.N-start)
		var wanted []int64
		var found []tlog.Hash
		for place, entry := range must(reader.entries(start/256, int(width))) {
			found = append(found, tlog.RecordHash(entry))
			wanted = append(wanted, tlog.StoredHashIndex(0, start+int64(place)))
		}
		for place, hash := range must(hashes.ReadHashes(wanted)) {
			if hash != found[place] {
				log.Fatalf("entry %d is not the one that was logged", start+int64(place))
			}
		}
		leaves = append(leaves, found...)
	}
	return leaves
}

func checkLine(words []string, tree tlog.Tree, leaves []tlog.Hash) {
	number := must(strconv.ParseInt(words[1], 10, 64))
	var proof []tlog.Hash
	if last := words[len(words)-1]; last != "-" {
		for _, one := range strings.Split(last, ",") {
			var hash tlog.Hash
			copy(hash[:], must(base64.StdEncoding.DecodeString(one)))
			proof = append(proof, hash)
		}
	}
	var err error
	if words[0] == "record" {
		err = tlog.CheckRecord(proof, tree.N, tree.Hash, number, leaves[number])
	} else {
		err = tlog.CheckTree(proof, tree.N, tree.Hash, number, must(tlog.ParseHash(words[2])))
	}
	if err != nil {
		log.Fatalf("%s %d: %v", words[0], number, err)
	}
}
