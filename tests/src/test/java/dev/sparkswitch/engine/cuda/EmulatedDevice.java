package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A card that a processor plays: the product's own kernels, compiled as C++ with every CUDA thread a fiber, and products by
 * plain loops. Slow, strict and deterministic.
 */
final class EmulatedDevice implements Device {
    /** As on an A100; smaller cards take kernels that need less. */
    private static final int SHARED_BYTES = 163 * 1024;

    private static final int MULTIPROCESSORS = 4;

    private record Module(String name, DType compute) {}

    private record EmulatedKernel(long module, String file, String name, String kinds) implements Kernel {}

    private static boolean hostLoaded;
    private static final Map<Module, Long> LOADED = new HashMap<>();

    private final Set<Long> blocks = new HashSet<>();
    private Map<String, OperationTime> times;
    private long left = Long.MAX_VALUE;

    /** Of all times at which the host may see what was downloaded, the latest: when it waits for the card. */
    private final List<Runnable> downloads = new ArrayList<>();

    private boolean idle = true;
    private boolean makesGraphs = true;
    private int graphs;
    private int graphStarts;
    private int uploads;
    private boolean inGraph;
    private final Set<String> startedAlone = new HashSet<>();

    private final Optional<EmulatedLink> link;

    /** A card that reaches no others. */
    EmulatedDevice() {
        this(Optional.empty());
    }

    EmulatedDevice(Optional<EmulatedLink> link) {
        this.link = link;
        loadHost();
    }

    private static synchronized void loadHost() {
        if (!hostLoaded) {
            System.load(SimtCompiler.host().toString());
            hostLoaded = true;
        }
    }

    private static synchronized long load(Module module) {
        return LOADED.computeIfAbsent(module, key -> {
            Path library = SimtCompiler.module(key.name(), key.compute());
            byte[] path = (library + "\0").getBytes(StandardCharsets.UTF_8);
            long handle = SimtHost.open(
                    SimtHost.address(ByteBuffer.allocateDirect(path.length).put(path)));
            if (handle == 0) {
                throw new IllegalStateException("cannot load " + library);
            }
            return handle;
        });
    }

    @Override
    public String description() {
        return "an emulated card";
    }

    @Override
    public int multiprocessors() {
        return MULTIPROCESSORS;
    }

    @Override
    public int sharedMemoryPerBlock() {
        return SHARED_BYTES;
    }

    @Override
    public boolean runsBlocksTogether() {
        return false;
    }

    /** From here on there is that much memory. */
    void leave(long bytes) {
        left = bytes;
    }

    @Override
    public long freeBytes() {
        return left;
    }

    @Override
    public long allocate(long bytes) {
        if (bytes > left) {
            return 0;
        }
        left -= bytes;
        long address = SimtHost.allocate(bytes);
        blocks.add(address);
        return address;
    }

    @Override
    public long allocateShared(long bytes) {
        long address = allocate(bytes);
        if (address != 0) {
            link.ifPresent(own -> own.shared().add(address, bytes));
        }
        return address;
    }

    @Override
    public void free(long address) {
        blocks.remove(address);
        SimtHost.free(address);
    }

    @Override
    public void upload(long target, ByteBuffer source) {
        uploads++;
        ByteBuffer direct = ByteBuffer.allocateDirect(source.remaining()).put(source.duplicate());
        SimtHost.copy(SimtHost.address(direct), target, direct.capacity());
        Reference.reachabilityFence(direct);
    }

    @Override
    public void download(long source, ByteBuffer target) {
        ByteBuffer direct = ByteBuffer.allocateDirect(target.remaining());
        SimtHost.copy(source, SimtHost.address(direct), direct.capacity());
        target.duplicate().put(direct);
    }

    @Override
    public Supplier<ByteBuffer> read(long source, int bytes) {
        ByteBuffer contents = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        SimtHost.copy(source, SimtHost.address(contents), bytes);
        return () -> contents;
    }

    @Override
    public void startDownload(long source, ByteBuffer target) {
        ByteBuffer direct = ByteBuffer.allocateDirect(target.remaining());
        SimtHost.copy(source, SimtHost.address(direct), direct.capacity());
        downloads.add(() -> target.duplicate().put(direct));
    }

    @Override
    public void keepResident(ByteBuffer buffer) {}

    @Override
    public void copy(long source, long target, long bytes) {
        SimtHost.copy(source, target, bytes);
    }

    @Override
    public void zero(long target, long bytes) {
        SimtHost.zero(target, bytes);
    }

    @Override
    public Kernel kernel(String module, DType compute, String name) {
        long handle = load(new Module(module, compute));
        String kinds = SimtHost.kinds(handle, name);
        if (kinds == null) {
            throw new IllegalStateException(module + ".cu has no kernel " + name);
        }
        return new EmulatedKernel(handle, module + ".cu", name, kinds);
    }

    @Override
    public void launch(Kernel started, Launch launch, Arguments arguments) {
        EmulatedKernel kernel = (EmulatedKernel) started;
        String place = kernel.name() + " in " + kernel.file();
        if (!arguments.kinds().equals(kernel.kinds().replace('p', 'l'))) {
            throw new IllegalStateException(
                    place + " takes parameters " + kernel.kinds() + ", not " + arguments.kinds());
        }
        if (!inGraph) {
            startedAlone.add(kernel.name());
        }
        if (launch.sharedBytes() > SHARED_BYTES) {
            throw new IllegalStateException(place + " asks for " + launch.sharedBytes() + " bytes of shared memory");
        }
        int[] offsets = new int[arguments.count()];
        for (int i = 0; i < offsets.length; i++) {
            offsets[i] = arguments.offset(i);
        }
        ByteBuffer bytes = ByteBuffer.allocateDirect(arguments.bytes().length).put(arguments.bytes());
        long start = System.nanoTime();
        String error = SimtHost.launch(
                kernel.module(),
                kernel.name(),
                launch.blocksX(),
                launch.blocksY(),
                launch.blocksZ(),
                launch.threads(),
                launch.sharedBytes(),
                SimtHost.address(bytes),
                offsets);
        // Nobody else holds them, and an address does not.
        Reference.reachabilityFence(bytes);
        time(kernel.name(), start);
        if (error != null) {
            throw new IllegalStateException(place + ": " + error);
        }
    }

    /** Kernels that run beside others run as late as they may. */
    private record Late(Runnable launches) implements Point {}

    @Override
    public void mark() {}

    @Override
    public Point beside(Runnable launches) {
        return new Late(launches);
    }

    @Override
    public void follow(Point end) {
        ((Late) end).launches().run();
    }

    @Override
    public void multiply(Product product) {
        long[] operands = new long[15];
        int at = 0;
        for (Product.Operand operand : List.of(product.a(), product.b(), product.c())) {
            operands[at++] = operand.address();
            operands[at++] = operand.rowStride();
            operands[at++] = operand.batchStride();
            operands[at++] = operand.type() == DType.BFLOAT16 ? 1 : 0;
            operands[at++] = operand.turn() == Product.Turn.TRANSPOSED ? 1 : 0;
        }
        long start = System.nanoTime();
        SimtHost.multiply(
                product.m(), product.n(), product.k(), product.alpha(), product.beta(), product.count(), operands);
        time("product " + product, start);
    }

    @Override
    public boolean isIdle() {
        return idle;
    }

    /** From here on something is always under way. */
    void neverIdle() {
        idle = false;
    }

    /** From here on there are none. */
    void withoutGraphs() {
        makesGraphs = false;
    }

    /** Graphs that are not closed. */
    int graphs() {
        return graphs;
    }

    /** The kernels that have been started by themselves since somebody last emptied this. */
    Set<String> startedAlone() {
        return startedAlone;
    }

    /** Uploads so far. */
    int uploads() {
        return uploads;
    }

    /** How often graphs were started. */
    int graphStarts() {
        return graphStarts;
    }

    /** Starts what it was made of, and what it was told of since, one by one. */
    @Override
    public Optional<Graph> graph(List<Call> calls) {
        if (!makesGraphs) {
            return Optional.empty();
        }
        graphs++;
        List<Call> held = new ArrayList<>(calls);
        return Optional.of(new Graph() {
            @Override
            public void change(int place, Call.OfKernel call) {
                held.set(place, call);
            }

            @Override
            public void start() {
                graphStarts++;
                inGraph = true;
                try {
                    held.forEach(call -> call.start(EmulatedDevice.this));
                } finally {
                    inGraph = false;
                }
            }

            @Override
            public void close() {
                graphs--;
                held.clear();
            }
        });
    }

    @Override
    public void synchronize() {
        downloads.forEach(Runnable::run);
        downloads.clear();
    }

    @Override
    public Moment moment() {
        return Moment.now();
    }

    @Override
    public Optional<byte[]> link() {
        return link.map(EmulatedLink::number);
    }

    @Override
    public byte[] newGroup() {
        return EmulatedLink.newGroup();
    }

    @Override
    public CardGroup join(byte[] id, int index, int size) {
        return link.orElseThrow().join(id, index, size);
    }

    @Override
    public Moment exchangeMoment() {
        return Moment.now();
    }

    @Override
    public void startProfile() {
        times = new HashMap<>();
    }

    @Override
    public Map<String, OperationTime> endProfile() {
        Map<String, OperationTime> ended = times;
        times = null;
        return ended;
    }

    private void time(String operation, long start) {
        if (times != null) {
            OperationTime before = times.getOrDefault(operation, new OperationTime(0, 0));
            times.put(operation, before.plus((System.nanoTime() - start) / 1e6));
        }
    }

    @Override
    public boolean stopSharing() {
        return true;
    }

    @Override
    public void close() {
        List.copyOf(blocks).forEach(this::free);
    }
}
