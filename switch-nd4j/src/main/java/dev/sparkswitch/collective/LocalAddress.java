package dev.sparkswitch.collective;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Collections;
import java.util.Optional;

/** Finds the address by which other hosts reach this one, the way Spark does. */
final class LocalAddress {
    private LocalAddress() {}

    /** {@code wanted}, else {@code SPARK_LOCAL_IP}, else the first IPv4 address that is not a loopback one. */
    static String of(Optional<String> wanted) {
        return wanted.or(() -> Optional.ofNullable(System.getenv("SPARK_LOCAL_IP")))
                .filter(host -> !host.isBlank())
                .orElseGet(LocalAddress::find);
    }

    private static String find() {
        try {
            for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                for (InetAddress address : Collections.list(network.getInetAddresses())) {
                    boolean usable = address instanceof Inet4Address
                            && !address.isLoopbackAddress()
                            && !address.isLinkLocalAddress();
                    if (network.isUp() && usable) {
                        return address.getHostAddress();
                    }
                }
            }
        } catch (SocketException e) {
            throw new IllegalStateException("the network interfaces of this host cannot be listed", e);
        }
        return InetAddress.getLoopbackAddress().getHostAddress();
    }
}
