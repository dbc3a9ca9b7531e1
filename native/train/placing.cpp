// Training: the memory of one worker, planned once.
#include <algorithm>

#include "network.h"

namespace pellucid::train {

// Where the next place begins.
int64_t Network::behind(int64_t floats) {
    if (kGap) gaps.push_back(floats);
    return floats + kGap;
}

int64_t Network::place(int64_t piece) {
    int64_t end = 0;
    for (size_t t = 0; t < tensors.size(); ++t) {
        tensors[t].value = end;
        if (!hidden[t]) end = behind(end + tensors[t].floats(tensors[t].halo) * piece);
    }
    end = place_gradients(end, piece);
    for (Step& s : steps) {
        if (!s.pooled) continue;
        s.winners = end;
        const Tensor& out = tensors[s.out];
        end = behind(end + out.values() * kBlock * piece / static_cast<int64_t>(sizeof(float)));
    }
    return end;
}

// Gradients take turns in memory: each is needed from the last step that reads its values to the one that made them. Only
// those of one size take turns, whose borders of zeros lie in the same places.
int64_t Network::place_gradients(int64_t from, int64_t piece) {
    struct Life {
        int tensor;
        int64_t first, last;
    };
    const auto count = static_cast<int64_t>(steps.size());
    std::vector<Life> lives;
    for (size_t t = 0; t < tensors.size(); ++t) {
        Life life{static_cast<int>(t), count, -1};
        for (int64_t i = 0; i < count; ++i) {
            const Step& s = steps[i];
            const bool made = s.out == life.tensor || s.full == life.tensor;
            if (made || std::find(s.in.begin(), s.in.end(), life.tensor) != s.in.end()) {
                life.first = std::min(life.first, i);
                life.last = std::max(life.last, i);
            }
        }
        if (life.tensor == output) life.last = count;
        if (needs[t]) lives.push_back(life);
    }
    std::stable_sort(lives.begin(), lives.end(), [](const Life& a, const Life& b) { return a.last > b.last; });
    struct Place {
        Tensor form;
        int64_t free_from, channels;
        std::vector<int> tensors;
    };
    std::vector<Place> places;
    for (const Life& life : lives) {
        const Tensor& t = tensors[life.tensor];
        const auto fits = [&](const Place& p) {
            // Normalisation goes back value by value: where it was, if nothing else is there.
            const Step* s = life.last < count ? &steps[life.last] : nullptr;
            const bool in_place = s && life.last == p.free_from && s->kind == Kind::norm && !s->pooled &&
                                  s->in[0] == life.tensor && s->out == p.tensors.back();
            return (life.last < p.free_from || in_place) && !hidden[life.tensor] && p.form.rows == t.rows &&
                   p.form.columns == t.columns && p.form.gradient_halo == t.gradient_halo && p.form.tight == t.tight;
        };
        auto place = std::find_if(places.begin(), places.end(), fits);
        if (place == places.end()) place = places.insert(places.end(), Place{t, 0, 0, {}});
        // A pooled convolution's own has zeros where nothing is ever written.
        place->free_from = hidden[life.tensor] ? -1 : life.first;
        place->channels = std::max(place->channels, t.channels);
        place->tensors.push_back(life.tensor);
    }
    for (const Place& place : places) {
        for (const int t : place.tensors) tensors[t].gradient = from;
        from = behind(from + place.channels * place.form.plane(place.form.gradient_halo) * piece);
    }
    return from;
}

}  // namespace pellucid::train
