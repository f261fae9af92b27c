package dev.sparkswitch.engine.cuda;

import dev.sparkswitch.engine.DType;
import dev.sparkswitch.engine.Moment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A device whose operations wait until there are some of them, or somebody wants to see what they do. Runs of operations that have been
 * asked for again and again are then started as a graph, in which only arguments that differ are changed. A training step asks for the same
 * runs each time, at the same addresses ({@link DeviceMemory}), so that from the fourth on the device is told a hundred
 * operations at once. What is not asked for again is started one by one, and so is all while times are taken.
 */
final class QueuedDevice implements Device {
    /** Operations of a run at most. */
    private static final int MOST = 128;
    /** The same where the device may stand still; each further run may be twice as long. */
    private static final int FEW = 16;
    /** Fewer are started as quickly one by one. */
    static final int LEAST = 4;

    /** How often a run has to come for a graph, which takes longer to make than the run to start one by one. */
    static final int ENOUGH = 3;

    /** Runs that are known, those that were asked for last. */
    static final int MOST_RUNS = 1 << 12;
    /** Graphs of them. Those that are there stay: text that is generated has forms without end, and to make is dearer than to start. */
    static final int MOST_GRAPHS = 1 << 9;

    /** 2^64 over the golden ratio. */
    private static final long MIX = 0x9E37_79B9_7F4A_7C15L;

    /** A run that has been asked for. Nothing is known of it but its form until that was often enough. */
    private static final class Run {
        private int times;
        private List<Call> calls = List.of();
        private Optional<Graph> graph = Optional.empty();

        boolean fits(List<Call> others) {
            if (others.size() != calls.size()) {
                return false;
            }
            for (int i = 0; i < calls.size(); i++) {
                if (!others.get(i).fits(calls.get(i))) {
                    return false;
                }
            }
            return true;
        }

        void start(Graph made, List<Call> others) {
            for (int i = 0; i < calls.size(); i++) {
                if (others.get(i) instanceof Call.OfKernel call
                        && !call.arguments().sameAs(((Call.OfKernel) calls.get(i)).arguments())) {
                    made.change(i, call);
                }
            }
            calls = others;
            made.start();
        }

        void close() {
            graph.ifPresent(Graph::close);
        }
    }

    private final Device device;
    private List<Call> waiting = new ArrayList<>();
    /** The hash of what waits. */
    private long form;
    /** How many may wait. */
    private int room = FEW;
    /** Whether nothing waits. */
    private boolean direct;

    /** By hash, those asked for last at the end. */
    private final Map<Long, Run> runs = new LinkedHashMap<>(16, 0.75f, true);

    private int graphs;
    /** Those that have come often enough and have no graph yet. */
    private final Set<Run> again = new LinkedHashSet<>();

    QueuedDevice(Device device) {
        this.device = device;
    }

    /** The device with a queue, unless {@link Switches#GRAPHS} has been turned off. */
    static Device of(Device device) {
        return Switches.isOn(Switches.GRAPHS) ? new QueuedDevice(device) : device;
    }

    private void add(Call call) {
        if (direct) {
            call.start(device);
            return;
        }
        waiting.add(call);
        // Products and grids are alike, and so are their hashes: 64 bits, mixed.
        form = (form ^ call.form()) * MIX;
        form ^= form >>> Integer.SIZE;
        if (waiting.size() >= room) {
            room = Math.min(MOST, 2 * room);
            start();
        }
    }

    /** Starts what waits. */
    private void start() {
        if (waiting.isEmpty()) {
            return;
        }
        List<Call> calls = waiting;
        long hash = form;
        waiting = new ArrayList<>();
        form = 0;
        if (calls.size() < LEAST || !startTogether(hash, calls)) {
            calls.forEach(call -> call.start(device));
        }
    }

    private boolean startTogether(long hash, List<Call> calls) {
        Run run = runs.get(hash);
        if (run == null) {
            run = new Run();
            runs.put(hash, run);
            forget();
        }
        run.times++;
        if (run.times >= ENOUGH && run.calls.isEmpty() && graphs + again.size() < MOST_GRAPHS) {
            run.calls = calls;
            again.add(run);
        }
        if (run.graph.isEmpty() || !run.fits(calls)) {
            return false;
        }
        run.start(run.graph.get(), calls);
        return true;
    }

    /** Keeps the runs that were asked for last. */
    private void forget() {
        var eldest = runs.values().iterator();
        while (runs.size() > MOST_RUNS) {
            Run run = eldest.next();
            graphs -= run.graph.isPresent() ? 1 : 0;
            run.close();
            again.remove(run);
            eldest.remove();
        }
    }

    /** The host has waited for the device, which may stand still until it is asked for more. */
    private void waited() {
        room = FEW;
        makeGraphs();
    }

    /**
     * Makes the graphs of runs that have come often enough. The driver may wait for the card while it makes one; a card that is at work may
     * itself be waiting for another, which this process has yet to ask.
     */
    private void makeGraphs() {
        // What is timed is started one by one, and its marks cannot be part of a graph.
        if (again.isEmpty() || direct || !device.isIdle()) {
            return;
        }
        for (Run run : again) {
            run.graph = device.graph(run.calls);
            graphs += run.graph.isPresent() ? 1 : 0;
        }
        again.clear();
    }

    @Override
    public void copy(long source, long target, long bytes) {
        add(new Call.OfCopy(source, target, bytes));
    }

    @Override
    public void zero(long target, long bytes) {
        add(new Call.OfZeros(target, bytes));
    }

    @Override
    public void launch(Kernel kernel, Launch launch, Arguments arguments) {
        add(new Call.OfKernel(kernel, launch, arguments));
    }

    @Override
    public void multiply(Product product) {
        add(new Call.OfProduct(product));
    }

    @Override
    public Optional<Graph> graph(List<Call> calls) {
        return device.graph(calls);
    }

    @Override
    public boolean isIdle() {
        return waiting.isEmpty() && device.isIdle();
    }

    @Override
    public void upload(long target, ByteBuffer source) {
        start();
        device.upload(target, source);
    }

    @Override
    public void download(long source, ByteBuffer target) {
        start();
        device.download(source, target);
        waited();
    }

    @Override
    public Supplier<ByteBuffer> read(long source, int bytes) {
        start();
        Supplier<ByteBuffer> contents = device.read(source, bytes);
        return () -> {
            start();
            ByteBuffer found = contents.get();
            waited();
            return found;
        };
    }

    @Override
    public void startDownload(long source, ByteBuffer target) {
        start();
        device.startDownload(source, target);
    }

    @Override
    public void mark() {
        start();
        device.mark();
    }

    @Override
    public Point beside(Runnable launches) {
        start();
        return device.beside(() -> {
            boolean before = direct;
            direct = true;
            try {
                launches.run();
            } finally {
                direct = before;
            }
        });
    }

    /** What waits may just as well come behind that end too, and need not be cut off here. */
    @Override
    public void follow(Point end) {
        device.follow(end);
    }

    @Override
    public void synchronize() {
        start();
        device.synchronize();
        waited();
    }

    @Override
    public Moment moment() {
        start();
        return device.moment();
    }

    @Override
    public Moment exchangeMoment() {
        start();
        return device.exchangeMoment();
    }

    @Override
    public CardGroup join(byte[] id, int index, int size) {
        return new QueuedGroup(device.join(id, index, size), this::start);
    }

    @Override
    public void startProfile() {
        start();
        direct = true;
        device.startProfile();
    }

    @Override
    public Map<String, OperationTime> endProfile() {
        direct = false;
        return device.endProfile();
    }

    /** Memory goes when all is over: what waits would do nothing that anybody sees. */
    @Override
    public void free(long address) {
        waiting.clear();
        form = 0;
        device.free(address);
    }

    @Override
    public String description() {
        return device.description();
    }

    @Override
    public int multiprocessors() {
        return device.multiprocessors();
    }

    @Override
    public int sharedMemoryPerBlock() {
        return device.sharedMemoryPerBlock();
    }

    @Override
    public boolean runsBlocksTogether() {
        return device.runsBlocksTogether();
    }

    @Override
    public long freeBytes() {
        return device.freeBytes();
    }

    @Override
    public long allocate(long bytes) {
        return device.allocate(bytes);
    }

    @Override
    public long allocateShared(long bytes) {
        return device.allocateShared(bytes);
    }

    @Override
    public boolean stopSharing() {
        return device.stopSharing();
    }

    @Override
    public void keepResident(ByteBuffer buffer) {
        device.keepResident(buffer);
    }

    @Override
    public Kernel kernel(String module, DType compute, String name) {
        return device.kernel(module, compute, name);
    }

    @Override
    public Optional<byte[]> link() {
        return device.link();
    }

    @Override
    public byte[] newGroup() {
        return device.newGroup();
    }

    @Override
    public void close() {
        runs.values().forEach(Run::close);
        device.close();
    }
}
