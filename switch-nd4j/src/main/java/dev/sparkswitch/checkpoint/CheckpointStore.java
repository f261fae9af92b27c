package dev.sparkswitch.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.sparkswitch.base.ChecksumOutputStream;
import dev.sparkswitch.base.HadoopFiles;
import dev.sparkswitch.base.InternalException;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.base.Manifests;
import dev.sparkswitch.base.ResourceException;
import dev.sparkswitch.base.UserException;
import dev.sparkswitch.model.HuggingFaceConfig;
import dev.sparkswitch.model.ParameterSpecs;
import dev.sparkswitch.model.T5Config;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one run, in one folder of any Hadoop file system.
 *
 * <p>A checkpoint is a folder {@code step-00000300-a2}: step 300, written by attempt 2. It exists from the moment its
 * manifest does, which is written last; folders are never renamed. Every attempt writes to folders of its own, so a
 * writer of an earlier attempt that still runs cannot touch a later one's, and what it commits counts as older than
 * anything the later one has.
 */
public final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);
    private static final Pattern FOLDER = Pattern.compile("step-(\\d{8,18})-a(\\d{1,9})");
    private static final String ROLLBACKS = "rollbacks.json";
    private static final Pattern ATTEMPT = Pattern.compile("attempt-(\\d{1,9})");

    private final FileSystem files;
    private final Path root;

    /** The store in {@code root}, which comes into being with its first checkpoint. */
    public CheckpointStore(FileSystem fileSystem, Path root) {
        this.files = HadoopFiles.raw(fileSystem);
        this.root = root;
    }

    /**
     * Opens a new attempt of the run: no earlier attempt commits from now on, and what earlier ones left unfinished goes.
     * Called once an attempt, before its ranks start.
     *
     * @return the attempt's number, above that of every earlier one, also of earlier submissions
     */
    public int startAttempt() {
        try {
            files.mkdirs(root);
            int attempt = newestAttempt() + 1;
            while (true) {
                try {
                    HadoopFiles.createNew(files, marker(attempt)).close();
                    break;
                } catch (FileAlreadyExistsException e) {
                    attempt++;
                }
            }
            for (FileStatus status : list()) {
                Matcher name = ATTEMPT.matcher(status.getPath().getName());
                if (name.matches() && Integer.parseInt(name.group(1)) < attempt) {
                    files.delete(status.getPath(), false);
                }
            }
            removeUnfinished(attempt);
            return attempt;
        } catch (IOException e) {
            throw failed("write", e);
        }
    }

    /**
     * Begins a checkpoint. Has no effect on disk, so every rank calls it for itself.
     *
     * @throws InternalException where this attempt has committed that step already
     */
    public CheckpointWriter begin(long step, int attempt) {
        Path folder = new Path(root, String.format(Locale.ROOT, "step-%08d-a%d", step, attempt));
        if (Manifests.find(files, folder).isPresent()) {
            throw new InternalException("Checkpoint " + folder + " is committed already and cannot be written again.");
        }
        return new CheckpointWriter(files, folder, step, attempt);
    }

    /**
     * Commits a checkpoint whose files are all on disk; called by one rank.
     *
     * @param provenance a manifest of kind {@link Manifest#CHECKPOINT} with seed, job configuration and inputs; step,
     *     row, score and files are filled in here
     * @param entries the lines on all files of all ranks
     * @throws ResourceException where a later attempt has begun: this one's work is no longer wanted
     * @throws InternalException where a parameter is missing among {@code entries}' counts, or a file is not there
     */
    public CheckpointRef commit(
            CheckpointWriter writer,
            T5Config config,
            CheckpointState state,
            Manifest.Builder provenance,
            List<Manifest.Entry> entries) {
        if (state.step() != writer.step()) {
            throw new IllegalArgumentException(
                    "the state is of step " + state.step() + ", the checkpoint of " + writer.step());
        }
        try {
            requireNoLaterAttempt(writer);
            requireComplete(writer, config, entries);
        } catch (IOException e) {
            throw failed("read", e);
        }
        List<Manifest.Entry> all = new ArrayList<>(entries);
        all.add(writer.add(CheckpointFiles.CONFIG, JsonFiles.bytes(HuggingFaceConfig.write(config))));
        all.add(writer.add(CheckpointFiles.STATE, JsonFiles.bytes(state.toJson())));
        all.sort(Comparator.comparing(Manifest.Entry::path));
        provenance
                .count("step", state.step())
                .count("next-row", state.nextRow())
                .count("parameters", ParameterSpecs.count(config))
                .files(all);
        state.score().ifPresent(score -> provenance.property(CheckpointRef.SCORE, score));
        Manifest manifest = provenance.build();
        if (!manifest.kind().equals(Manifest.CHECKPOINT)) {
            throw new IllegalArgumentException("a checkpoint's manifest is not of kind '" + manifest.kind() + "'");
        }
        Manifests.write(files, writer.folder(), manifest);
        return new CheckpointRef(writer.folder(), state.step(), writer.attempt(), manifest);
    }

    private void requireNoLaterAttempt(CheckpointWriter writer) throws IOException {
        int newest = newestAttempt();
        if (newest > writer.attempt()) {
            throw new ResourceException("Attempt " + newest + " of this run has begun: the checkpoint of step "
                    + writer.step() + " by attempt " + writer.attempt() + " is not kept.");
        }
    }

    private void requireComplete(CheckpointWriter writer, T5Config config, List<Manifest.Entry> entries)
            throws IOException {
        Set<String> names = new HashSet<>();
        long values = 0;
        for (Manifest.Entry entry : entries) {
            if (!names.add(entry.path())) {
                throw new InternalException("Two ranks wrote " + entry.path() + " of " + writer.folder() + ".");
            }
            Path file = new Path(writer.folder(), entry.path());
            if (!files.exists(file) || files.getFileStatus(file).getLen() != entry.bytes()) {
                throw new InternalException(file + " was announced with " + entry.bytes() + " bytes but is not so.");
            }
            if (!CheckpointFiles.holdsOptimizer(entry.path())) {
                values += entry.count("values");
            }
        }
        long expected = ParameterSpecs.count(config);
        if (values != expected) {
            throw new InternalException("The ranks wrote " + values + " parameters of " + expected + " to "
                    + writer.folder() + ": one rank's experts are missing or written twice.");
        }
    }

    /** Every committed checkpoint, newest first, whether or not its files are sound; damaged manifests are left out. */
    public List<CheckpointRef> committed() {
        List<CheckpointRef> found = new ArrayList<>();
        try {
            for (FileStatus status : list()) {
                find(status.getPath()).ifPresent(found::add);
            }
        } catch (IOException e) {
            throw failed("read", e);
        }
        found.sort(CheckpointRef.BY_AGE.reversed());
        return found;
    }

    private Optional<CheckpointRef> find(Path folder) {
        Matcher name = FOLDER.matcher(folder.getName());
        if (!name.matches()) {
            return Optional.empty();
        }
        try {
            return Manifests.find(files, folder)
                    .filter(manifest -> manifest.kind().equals(Manifest.CHECKPOINT))
                    .map(manifest -> new CheckpointRef(
                            folder, Long.parseLong(name.group(1)), Integer.parseInt(name.group(2)), manifest));
        } catch (UserException e) {
            LOG.warn("Skipping checkpoint {}: {}", folder, e.getMessage());
            return Optional.empty();
        }
    }

    /**
     * The newest checkpoint whose files have the sizes and checksums of its manifest. Those that are damaged are
     * skipped with a warning. Reads every byte of the checkpoint that it returns: one rank calls it for all.
     */
    public Optional<CheckpointRef> newestValid() {
        return newestValid(Long.MAX_VALUE);
    }

    /** The newest sound checkpoint of at most {@code lastStep} steps: where a run goes back to after divergence. */
    public Optional<CheckpointRef> newestValid(long lastStep) {
        for (CheckpointRef ref : committed()) {
            if (ref.step() > lastStep) {
                continue;
            }
            try {
                Manifests.verify(files, ref.folder(), ref.manifest());
                return Optional.of(ref);
            } catch (UserException e) {
                LOG.warn("Skipping the checkpoint of step {} for the one before: {}", ref.step(), e.getMessage());
            }
        }
        return Optional.empty();
    }

    /** The checkpoint with the least score, the one of fewer steps where two have it; empty where none has a score. */
    public Optional<CheckpointRef> best() {
        return committed().stream().filter(ref -> ref.score().isPresent()).min(CheckpointRef.BY_SCORE);
    }

    /** Opens a checkpoint for reading. */
    public Checkpoint load(CheckpointRef ref) {
        return Checkpoint.open(files, ref.folder());
    }

    /**
     * Removes the checkpoints that {@code rule} does not keep, and what earlier attempts left unfinished; called by the
     * rank that commits, after a commit.
     *
     * @param attempt the attempt that calls; folders of later ones are left alone
     */
    public void retain(Retention rule, int attempt) {
        List<CheckpointRef> all = committed();
        Set<Path> kept = new HashSet<>();
        all.stream().limit(rule.newest()).forEach(ref -> kept.add(ref.folder()));
        all.stream()
                .filter(ref -> ref.score().isPresent())
                .sorted(CheckpointRef.BY_SCORE)
                .limit(rule.best())
                .forEach(ref -> kept.add(ref.folder()));
        try {
            for (CheckpointRef ref : all) {
                if (!kept.contains(ref.folder()) && ref.attempt() <= attempt) {
                    // Without its manifest it is gone for every reader, even if removing the rest is cut short.
                    Manifests.remove(files, ref.folder());
                    files.delete(ref.folder(), true);
                }
            }
            removeUnfinished(attempt);
        } catch (IOException e) {
            throw failed("clean up", e);
        }
    }

    /** Removes what attempts before {@code attempt} left without a manifest. */
    private void removeUnfinished(int attempt) throws IOException {
        for (FileStatus status : list()) {
            Matcher name = FOLDER.matcher(status.getPath().getName());
            if (name.matches()
                    && Integer.parseInt(name.group(2)) < attempt
                    && !files.exists(new Path(status.getPath(), Manifests.NAME))) {
                files.delete(status.getPath(), true);
            }
        }
    }

    /** The divergences that the run went back from, in the order in which they were met. */
    public List<Rollback> rollbacks() {
        Path file = new Path(root, ROLLBACKS);
        List<Rollback> found = new ArrayList<>();
        try {
            if (files.exists(file)) {
                for (JsonNode rollback : JsonFiles.read(files, file)) {
                    found.add(Rollback.fromJson(rollback, file.toString()));
                }
            }
        } catch (IOException e) {
            throw failed("read", e);
        }
        return found;
    }

    /** Notes a divergence, for all attempts that follow; called by one rank. */
    public void add(Rollback rollback) {
        ArrayNode lines = JsonNodeFactory.instance.arrayNode();
        rollbacks().forEach(known -> lines.add(known.toJson()));
        lines.add(rollback.toJson());
        Path file = new Path(root, ROLLBACKS);
        Path fresh = new Path(root, "." + ROLLBACKS + ".new");
        try {
            files.mkdirs(root);
            try (ChecksumOutputStream out = new ChecksumOutputStream(HadoopFiles.create(files, fresh))) {
                out.write(JsonFiles.bytes(lines));
                out.sync();
            }
            files.delete(file, false);
            if (!files.rename(fresh, file)) {
                throw new IOException("renaming " + fresh + " failed");
            }
        } catch (IOException e) {
            throw failed("write", e);
        }
    }

    private int newestAttempt() throws IOException {
        int newest = -1;
        for (FileStatus status : list()) {
            String name = status.getPath().getName();
            Matcher marker = ATTEMPT.matcher(name);
            Matcher folder = FOLDER.matcher(name);
            if (marker.matches()) {
                newest = Math.max(newest, Integer.parseInt(marker.group(1)));
            } else if (folder.matches()) {
                newest = Math.max(newest, Integer.parseInt(folder.group(2)));
            }
        }
        return newest;
    }

    private Path marker(int attempt) {
        return new Path(root, String.format(Locale.ROOT, "attempt-%d", attempt));
    }

    private FileStatus[] list() throws IOException {
        try {
            return files.listStatus(root);
        } catch (FileNotFoundException e) {
            return new FileStatus[0];
        }
    }

    private ResourceException failed(String action, IOException cause) {
        return new ResourceException(
                "Cannot " + action + " the checkpoints in " + root + " (" + cause.getMessage()
                        + "): check the disk's space and your rights.",
                cause);
    }
}
