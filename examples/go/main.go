// Asks a server which words are nearest to a word, from Go: the contract's messages by protoc-gen-go and
// protoc-gen-go-grpc, as README.md beside this file says.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	pb "example.org/ask/wordspacev1"
)

func main() {
	server := flag.String("server", "127.0.0.1:50051", "where the server listens")
	table := flag.String("table", "en", "which table is asked")
	flag.Parse()
	if flag.NArg() == 0 {
		log.Fatal("usage: ask [-server HOST:PORT] [-table TABLE] WORD...")
	}
	connection, err := grpc.Dial(*server, grpc.WithInsecure())
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	k := uint32(3)
	request := &pb.NearestRequest{Table: *table, K: &k}
	for _, word := range flag.Args() {
		query := &pb.WordOrVector{Query: &pb.WordOrVector_Word{Word: word}}
		request.Positive = append(request.Positive, query)
	}
	answer, err := pb.NewSearchServiceClient(connection).Nearest(ctx, request)
	if err != nil {
		fmt.Fprintln(os.Stderr, told(err))
		os.Exit(1)
	}
	for _, neighbor := range answer.Neighbors {
		fmt.Printf("%s %.4f\n", neighbor.Word, neighbor.Similarity)
	}
}

// told says what went wrong, by the contract's reasons.
func told(err error) string {
	for _, detail := range status.Convert(err).Details() {
		info, ok := detail.(*errdetails.ErrorInfo)
		if ok && info.Reason == "UNKNOWN_WORDS" {
			var words []string
			if json.Unmarshal([]byte(info.Metadata["words"]), &words) == nil {
				return fmt.Sprintf("the table does not have: %q", words)
			}
		}
	}
	return status.Convert(err).Message()
}
