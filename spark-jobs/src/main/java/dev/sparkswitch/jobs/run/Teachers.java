package dev.sparkswitch.jobs.run;

import dev.sparkswitch.arrow.ShardSource;
import dev.sparkswitch.base.Manifest;
import dev.sparkswitch.collective.Collectives;
import dev.sparkswitch.engine.Engine;
import dev.sparkswitch.model.SwitchTransformer;
import dev.sparkswitch.train.ModelTeacher;
import dev.sparkswitch.train.RankContext;
import dev.sparkswitch.train.SoftLabels;
import dev.sparkswitch.train.StoredTeacher;
import dev.sparkswitch.train.Teacher;
import dev.sparkswitch.train.TrainingConfig;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A rank's part of a teacher: beside the student, or what it said of the training rows before the student began. */
final class Teachers {
    private static final Logger LOG = LoggerFactory.getLogger(Teachers.class);

    private Teachers() {}

    /** The teacher of a run; all ranks call it together. */
    static Teacher open(
            Configuration hadoop,
            TeacherSpec told,
            RunSpec spec,
            RankContext context,
            Engine engine,
            Collectives collectives,
            ShardSource rows,
            TrainingConfig training)
            throws IOException {
        if (told.labels().isEmpty()) {
            return new ModelTeacher(
                    LoadedModel.open(hadoop, told.model(), engine, context.worldSize(), spec, collectives)
                            .model());
        }
        Path folder = new Path(told.labels());
        FileSystem files = folder.getFileSystem(hadoop);
        Manifest.Input input = new Manifest.Input("teacher", told.model(), told.id());
        Manifest.Input read = rows.manifest().asInput("rows", spec.training());
        if (!SoftLabels.exists(files, folder, input, read, told.choices())) {
            LOG.info("rank {} keeps what {} says of {} rows", context.rank(), told.model(), rows.rows());
            try (LoadedModel teacher =
                    LoadedModel.open(hadoop, told.model(), engine, context.worldSize(), spec, collectives)) {
                SwitchTransformer model = teacher.model();
                int batchRows = training.microRows(context.worldSize(), TrainingRun.groupRows(model.config()));
                SoftLabels.make(context, files, folder, model, input, rows, read, batchRows, told.choices());
            }
        }
        return new StoredTeacher(engine, ShardSource.open(hadoop, folder), told.temperature());
    }
}
