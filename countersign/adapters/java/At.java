import io.grpc.Server;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.temporal.internal.testservice.GRPCServerHelper;
import io.temporal.internal.testservice.TestServicesStarter;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;

/**
 * Serves Temporal's time-skipping test server: PORT [EPOCH_MILLIS]; without an instant its clock starts now.
 *
 * <p>Given - alone it reads lines until its input ends, so that many servers share one warm process: PORT
 * EPOCH_MILLIS opens a server, PORT closes it; each is answered with a line when it is done.
 */
class At {
    public static void main(String[] args) throws Exception {
        if (args[0].equals("-")) {
            serveAsTold();
            System.exit(0);
        }
        open(Integer.parseInt(args[0]), args.length > 1 ? Long.parseLong(args[1]) : 0);
        Thread.currentThread().join();
    }

    private static void serveAsTold() throws IOException {
        var open = new HashMap<Integer, Runnable>();
        var lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            var words = line.split(" ");
            int port = Integer.parseInt(words[0]);
            if (words.length == 1) {
                open.remove(port).run();
            } else {
                open.put(port, open(port, Long.parseLong(words[1])));
            }
            System.out.println(line);
        }
    }

    private static Runnable open(int port, long start) throws IOException {
        var services = new TestServicesStarter(true, start);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        var builder = NettyServerBuilder.forAddress(address);
        GRPCServerHelper.registerServicesAndHealthChecks(services.getServices(), builder);
        Server server = builder.build().start();
        return () -> {
            server.shutdownNow();
            services.close();
        };
    }
}
