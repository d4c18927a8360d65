// C++ exceptions through several frames, global constructors and destructors, and the containers everyone uses.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Runs before main (.init_array) and after it (__cxa_atexit), in reverse order.
struct Global {
    std::string name;
    explicit Global(std::string name) : name(std::move(name)) { std::cout << "construct " << this->name << '\n'; }
    ~Global() { std::cout << "destroy " << name << '\n'; }
};

Global first("first"), second("second");

struct Guard {
    int depth;
    ~Guard() { std::cout << "unwind " << depth << '\n'; }
};

struct ParseError : std::runtime_error {
    std::size_t position;
    ParseError(const std::string &what, std::size_t position) : std::runtime_error(what), position(position) {}
};

int parse(const std::string &text) {
    int value = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        if (text[i] < '0' || text[i] > '9') throw ParseError("not a digit in '" + text + "'", i);
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

// The exception crosses `depth` frames, each with something to destroy.
[[gnu::noinline]] int descend(int depth, const std::string &text) {
    Guard guard{depth};
    if (depth == 0) return parse(text);
    return descend(depth - 1, text) + 1;
}

[[gnu::noinline]] void rethrow_with_context(const std::string &text) {
    try {
        parse(text);
    } catch (const ParseError &) {
        std::throw_with_nested(std::logic_error("while reading '" + text + "'"));
    }
}

}  // namespace

int main(int argc, char **argv) {
    std::vector<std::string> words(argv + 1, argv + argc);
    if (words.empty()) words = {"12", "3x4", "560", "", "y"};

    std::map<std::string, int> values;
    for (const auto &word : words) {
        try {
            values[word] = descend(2, word);
        } catch (const ParseError &error) {
            std::cout << "caught " << error.what() << " at " << error.position << '\n';
        }
    }
    for (const auto &[word, value] : values) std::cout << '[' << word << "] = " << value << '\n';

    try {
        rethrow_with_context("1z");
    } catch (const std::exception &outer) {
        std::cout << outer.what() << ": ";
        try {
            std::rethrow_if_nested(outer);
        } catch (const std::exception &inner) {
            std::cout << inner.what() << '\n';
        }
    }

    try {
        std::cout << std::vector<int>(3).at(words.size() + 3) << '\n';
    } catch (const std::out_of_range &) {
        std::cout << "out of range\n";
    }
    try {
        throw 42;
    } catch (...) {
        std::cout << "something else\n";
    }

    auto shared = std::make_shared<std::vector<int>>(std::vector<int>{5, 3, 4});
    std::sort(shared->begin(), shared->end());
    for (int number : *shared) std::cout << number << ' ';
    std::cout << "uses " << shared.use_count() << std::endl;
    return static_cast<int>(values.size());
}
