package dev.sparkswitch.base;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/** Finds the files by whose names a configuration gives sections; see {@link Configs}. */
@FunctionalInterface
public interface SectionFiles {
    /** No files. */
    SectionFiles NONE = name -> Optional.empty();

    /**
     * The content of a file, read with {@link Configs#read} and not shared; empty where there is none of that name.
     *
     * @throws UserException where it cannot be read
     */
    Optional<JsonNode> find(String name);
}
