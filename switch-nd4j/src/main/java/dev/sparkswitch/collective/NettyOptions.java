package dev.sparkswitch.collective;

import java.time.Duration;
import java.util.Optional;

/**
 * How {@link NettyCollectives} reach one another.
 *
 * @param host the address to bind and to tell the other ranks; empty: the one that the {@link
 *     Rendezvous} knows, else {@code SPARK_LOCAL_IP} where it is set, else the first address of this host that is not a loopback one, else the loopback address
 * @param deadline the time within which every operation ends
 * @param connectTimeout the time within which all ranks must be connected
 * @param causeWait how long a rank that sees a broken connection waits for the failing rank's own cause
 * @param closeWait how long closing waits for the other ranks to close too
 * @param ioThreads threads that move bytes
 * @param tls how connections are encrypted; empty: they are not
 * @param neighbours how ranks of one host reach one another, where connections are not encrypted
 */
public record NettyOptions(
        Optional<String> host,
        Duration deadline,
        Duration connectTimeout,
        Duration causeWait,
        Duration closeWait,
        int ioThreads,
        Optional<Tls> tls,
        Neighbours neighbours) {
    /** How ranks of one host reach one another. */
    public enum Neighbours {
        /** By a socket in the file system; by TCP where that cannot be. */
        SOCKET_FILES,
        /** As any others. */
        TCP
    }

    public NettyOptions {
        if (ioThreads < 1) {
            throw new IllegalArgumentException("at least one thread must move bytes, not " + ioThreads);
        }
    }

    /** Five minutes an operation, half a minute to connect, one thread. */
    public static NettyOptions defaults() {
        return new NettyOptions(
                Optional.empty(),
                Duration.ofMinutes(5),
                Duration.ofSeconds(30),
                Duration.ofSeconds(2),
                Duration.ofSeconds(1),
                1,
                Optional.empty(),
                Neighbours.SOCKET_FILES);
    }

    /** Whether ranks of one host look for each other's sockets in the file system. */
    boolean usesSocketFiles() {
        return neighbours == Neighbours.SOCKET_FILES && tls.isEmpty();
    }

    /** These options with another way between ranks of one host. */
    public NettyOptions withNeighbours(Neighbours newNeighbours) {
        return new NettyOptions(host, deadline, connectTimeout, causeWait, closeWait, ioThreads, tls, newNeighbours);
    }

    /** These options with another address to bind. */
    public NettyOptions withHost(String newHost) {
        return new NettyOptions(
                Optional.of(newHost), deadline, connectTimeout, causeWait, closeWait, ioThreads, tls, neighbours);
    }

    /** These options with another deadline of operations. */
    public NettyOptions withDeadline(Duration newDeadline) {
        return new NettyOptions(host, newDeadline, connectTimeout, causeWait, closeWait, ioThreads, tls, neighbours);
    }

    /** These options with another time to connect. */
    public NettyOptions withConnectTimeout(Duration newTimeout) {
        return new NettyOptions(host, deadline, newTimeout, causeWait, closeWait, ioThreads, tls, neighbours);
    }

    /** These options with another time to wait for the cause of a broken connection. */
    public NettyOptions withCauseWait(Duration newWait) {
        return new NettyOptions(host, deadline, connectTimeout, newWait, closeWait, ioThreads, tls, neighbours);
    }

    /** These options with another number of threads. */
    public NettyOptions withIoThreads(int threads) {
        return new NettyOptions(host, deadline, connectTimeout, causeWait, closeWait, threads, tls, neighbours);
    }

    /** These options with encrypted connections. */
    public NettyOptions withTls(Tls newTls) {
        return new NettyOptions(
                host, deadline, connectTimeout, causeWait, closeWait, ioThreads, Optional.of(newTls), neighbours);
    }
}
