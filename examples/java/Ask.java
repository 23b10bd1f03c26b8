// Asks a server which words are nearest to a word, from Java: the contract's messages by protoc and grpc-java's
// plugin, as README.md beside this file says.

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import wordspace.v1.Common.Neighbor;
import wordspace.v1.Common.WordOrVector;
import wordspace.v1.Search.NearestRequest;
import wordspace.v1.SearchServiceGrpc;

/** {@code Ask HOST:PORT TABLE WORD...} */
public final class Ask {
  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length < 3) {
      System.err.println("usage: Ask HOST:PORT TABLE WORD...");
      System.exit(2);
    }
    NearestRequest.Builder request = NearestRequest.newBuilder().setTable(arguments[1]).setK(3);
    for (int i = 2; i < arguments.length; i++) {
      request.addPositive(WordOrVector.newBuilder().setWord(arguments[i]));
    }
    ManagedChannel channel =
        ManagedChannelBuilder.forTarget(arguments[0]).usePlaintext().build();
    int code = 0;
    try {
      SearchServiceGrpc.SearchServiceBlockingStub search =
          SearchServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.SECONDS);
      for (Neighbor one : search.nearest(request.build()).getNeighborsList()) {
        System.out.printf(Locale.ROOT, "%s %.4f%n", one.getWord(), one.getSimilarity());
      }
    } catch (StatusRuntimeException error) {
      // The sentence names unknown words; where com.google.rpc is at hand, StatusProto tells the reason, too.
      System.err.println(error.getStatus().getDescription());
      code = 1;
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    System.exit(code);
  }

  private Ask() {}
}
