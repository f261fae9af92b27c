package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What the engine needs of a card: memory, kernels and matrix products, all in one order of execution but for what is
 * expressly started beside it, and exchanges with other cards in another. Addresses are those of the device's memory.
 */
interface Device extends AutoCloseable {
    /** The device in one line, for logs. */
    String description();

    /** How many blocks' worth of processors the device has. */
    int multiprocessors();

    /** The most dynamic shared memory that a block may ask for, in bytes. */
    int sharedMemoryPerBlock();

    /** Whether blocks of a launch can wait for each other, as many as the device has room for. */
    boolean runsBlocksTogether();

    /** Bytes of memory that nobody holds. */
    long freeBytes();

    /** A block of memory aligned to 256 bytes; 0 where the device has not that much left. */
    long allocate(long bytes);

    /**
     * {@link #allocate} of a block that other cards of a group may write to. Every card of the group makes the same ones in the
     * same order; they are given back when the engine is closed.
     */
    long allocateShared(long bytes);

    /**
     * Refuses what other cards of a group would still write to this one, and waits for what is under way.
     *
     * @return whether memory may be given back; otherwise it must stay, and the device open
     */
    boolean stopSharing();

    /** Gives back what {@link #allocate} or {@link #allocateShared} made. */
    void free(long address);

    /** Copies the buffer's remaining bytes to the device. The buffer may change as soon as this returns. */
    void upload(long target, ByteBuffer source);

    /** Fills the buffer's remaining bytes from the device. */
    void download(long source, ByteBuffer target);

    /**
     * Starts to copy contents to memory of the host that the device has ready for this.
     *
     * @return waits for them and gives them; to be called once
     */
    Supplier<ByteBuffer> read(long source, int bytes);

    /** {@link #download} that may still be under way when this returns: the buffer is filled after {@link #synchronize}. */
    void startDownload(long source, ByteBuffer target);

    /**
     * Makes downloads to a direct buffer quick, where the host allows it, until the device is closed. May be called from any
     * thread.
     */
    void keepResident(ByteBuffer buffer);

    /** Copies between blocks of the device that do not overlap. */
    void copy(long source, long target, long bytes);

    /** Sets bytes to 0. */
    void zero(long target, long bytes);

    /**
     * A kernel of a module.
     *
     * @param module the name of the resource file without its end {@code .cu}
     * @param compute what the module's {@code compute_t} is: FLOAT32 or BFLOAT16
     * @param name the {@code extern "C"} name
     */
    Kernel kernel(String module, DType compute, String name);

    /** Starts a kernel after everything that was started before. */
    void launch(Kernel kernel, Launch launch, Arguments arguments);

    /** A moment in an order of execution. */
    interface Point {}

    /** Whatever {@link #beside} starts from here on comes behind everything that was started before this. */
    void mark();

    /**
     * Has kernels run beside what was started since the last {@link #mark} and what is started from here on. Where both want
     * the same multiprocessor, the others go first.
     *
     * @param launches starts the kernels, and nothing else
     * @return their end, which somebody must {@link #follow} before their memory is used or given back
     */
    Point beside(Runnable launches);

    /** What is started from here on comes behind that end. Once for each. */
    void follow(Point end);

    /** Starts a matrix product, or several of one shape, after everything that was started before. */
    void multiply(Product product);

    /** A graph of operations, which does not start them; empty where the device starts them as quickly one by one. */
    Optional<Graph> graph(List<Call> calls);

    /** Whether everything that was started is done, here and in groups, but for what runs {@link #beside}. */
    boolean isIdle();

    /** Waits for everything that was started; an error of a kernel shows here at the latest. */
    void synchronize();

    /** The moment at which everything that was started is done; nothing waits for it. */
    Moment moment();

    /** What tells this card from all others, if it can exchange memory with them directly. */
    Optional<byte[]> link();

    /** The number of a new group, {@link Nccl#ID_BYTES} long, which one of its members makes and tells the others. */
    byte[] newGroup();

    /**
     * Joins a group of cards, whose operations run beside what is started here; waits for the others, and forever for one that
     * does not come. May be called from any thread.
     *
     * @param id the group's number, from {@link #newGroup}
     * @param index this card's place in the group, from 0
     * @param size the cards of the group
     */
    CardGroup join(byte[] id, int index, int size);

    /** The moment at which everything that was started is done, here and in groups, on the clock of their operations. */
    Moment exchangeMoment();

    /** From here on times are taken. */
    void startProfile();

    /** Ends {@link #startProfile}: times by operation. */
    Map<String, OperationTime> endProfile();

    @Override
    void close();
}
