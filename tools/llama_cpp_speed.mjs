// Evaluates prompts with llama.cpp, for compare_llama_cpp.py:
//
//     node llama_cpp_speed.mjs NODE_MODULES MODEL THREADS TEXT_FILE TOKENS PROMPTS
//
// Cuts the text into prompts of at most TOKENS tokens and prints them with the program's properties, after a warm-up. Then
// evaluates all prompts for each line read, and prints tokens and seconds. No logits are computed and no token is sampled.
// Prompts of at most half a batch are evaluated as several sequences at once.

import {readFileSync} from "node:fs";
import {join, resolve} from "node:path";
import {createInterface} from "node:readline";
import {pathToFileURL} from "node:url";

const BATCH = 512;
const [modules, modelPath, threads, textFile, tokens, count] = process.argv.slice(2);
const {getLlama} = await import(pathToFileURL(resolve(join(modules, "node-llama-cpp", "dist", "index.js"))));

const llama = await getLlama({gpu: false, build: "never", skipDownload: true, maxThreads: Number(threads), logLevel: "error"});
const model = await llama.loadModel({modelPath, gpuLayers: 0});
const prompts = cut(readFileSync(textFile, "utf8").split(/\s+/).filter(Boolean), Number(tokens), Number(count));
const lanes = Math.min(Math.max(1, Math.floor(BATCH / Number(tokens))), prompts.length);
const context = await model.createContext({
    contextSize: Number(tokens) + 1, batchSize: BATCH, sequences: lanes, threads: {ideal: Number(threads), min: Number(threads)}
});
const sequences = Array.from({length: lanes}, () => context.getSequence());

function tokenized(text) {
    const ids = model.tokenize(text);
    return model.tokens.shouldPrependBosToken && model.tokens.bos != null ? [model.tokens.bos, ...ids] : ids;
}

/** Returns `count` prompts of whole words with at most `limit` tokens. */
function cut(words, limit, count) {
    const made = [];
    for (let from = 0; made.length < count; ) {
        let most = Math.min(limit, words.length - from);
        while (most > 0 && tokenized(words.slice(from, from + most).join(" ")).length > limit)
            most--;
        if (most === 0)
            throw new Error(`the text is too short for ${count} prompts of ${limit} tokens`);
        const text = words.slice(from, from + most).join(" ");
        made.push({text, ids: tokenized(text)});
        from += most;
    }
    return made;
}

/** Evaluates the prompts, as many at once as fill a batch, and returns tokens and seconds. */
async function evaluate(prompts) {
    const started = performance.now();
    let tokens = 0;
    for (let from = 0; from < prompts.length; from += lanes) {
        const group = prompts.slice(from, from + lanes);
        await Promise.all(group.map(({ids}, lane) => sequences[lane].evaluateWithoutGeneratingNewTokens(ids)));
        tokens += group.reduce((sum, {ids}) => sum + ids.length, 0);
        await Promise.all(sequences.map((sequence) => sequence.clearHistory()));
    }
    return {tokens, seconds: (performance.now() - started) / 1000};
}

await evaluate(prompts.slice(0, lanes));
console.log(JSON.stringify({
    prompts: prompts.map(({text}) => text),
    llama_cpp: llama.llamaCppRelease.release,
    system: llama.systemInfo,
    threads: context.currentThreads,
    flash_attention: context.flashAttention,
    batch: context.batchSize,
    sequences: lanes
}));
for await (const _ of createInterface({input: process.stdin}))
    console.log(JSON.stringify(await evaluate(prompts)));
process.exit(0);
