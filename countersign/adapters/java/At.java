import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.temporal.internal.testservice.GRPCServerHelper;
import io.temporal.internal.testservice.TestServicesStarter;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Serves Temporal's time-skipping test server: PORT [EPOCH_MILLIS]; without an instant its clock starts now. */
class At {
    public static void main(String[] args) throws Exception {
        long start = args.length > 1 ? Long.parseLong(args[1]) : 0;
        var services = new TestServicesStarter(true, start).getServices();
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
        var server = NettyServerBuilder.forAddress(address);
        GRPCServerHelper.registerServicesAndHealthChecks(services, server);
        server.build().start().awaitTermination();
    }
}
